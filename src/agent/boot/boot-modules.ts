import { readTextIfExists } from '../../os/file.ts';
import { loadModuleFile } from '../../os/module.ts';
import { sleep } from '../../os/timer.ts';
import { log } from '../log/log.ts';

const FOLDER = '/lib/modules';

/** The modules that every start loads, by file and parameters, in their order; one that is built into the kernel is not named. */
function loadOrder(): string[] {
  const text = readTextIfExists(`${FOLDER}/load-order`) ?? '';
  return text.split('\n').filter((line) => line !== '');
}

/**
 * Loads the modules that every start loads, while the agent already serves: between two modules requests are answered.
 * Resolves when all are there. One that cannot be loaded is logged; what needs it says so later.
 */
export async function loadBootModules(): Promise<void> {
  for (const line of loadOrder()) {
    const [file, ...parameters] = line.split(' ');
    // Loading blocks. QuickJS runs every timer that is due before it looks at descriptors: one of 0 ms would be due.
    await sleep(1);
    try {
      loadModuleFile(`${FOLDER}/${file}`, parameters.join(' '));
    } catch (error) {
      log.error('a kernel module cannot be loaded', { file, error });
    }
  }
}
