import { readTextIfExists } from '../../os/file.ts';
import { loadModuleFile } from '../../os/module.ts';
import { sleep } from '../../os/timer.ts';
import { log } from '../log/log.ts';

const FOLDER = '/lib/modules';

/** The modules that every start loads, by file, in their order; one that is built into the kernel is not named. */
function loadOrder(): string[] {
  const text = readTextIfExists(`${FOLDER}/load-order`) ?? '';
  return text.split('\n').filter((line) => line !== '');
}

/**
 * Loads the modules that every start loads, while the agent already serves: between two modules requests are answered.
 * Resolves when all are there. One that cannot be loaded is logged; what needs it says so later.
 */
export async function loadBootModules(): Promise<void> {
  for (const file of loadOrder()) {
    // Loading blocks. A timer, unlike a resolved promise, lets the descriptors have their turn.
    await sleep(0);
    try {
      loadModuleFile(`${FOLDER}/${file}`);
    } catch (error) {
      log.error('a kernel module cannot be loaded', { file, error });
    }
  }
}
