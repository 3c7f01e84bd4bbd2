import { getenviron } from 'std';
import type { Config } from '../../config/config.ts';
import { KataError } from '../../errors/kata-error.ts';
import type { Snapshot } from '../../hypervisor/hypervisor.ts';
import { readlink } from '../../os/file.ts';
import { run } from '../../os/process.ts';
import { SIGNAL } from '../../os/signal.ts';
import type { SandboxLog } from '../sandbox-log.ts';
import { Factory } from './factory.ts';

/** Under emulation on a busy host a guest takes many seconds; the maker has limits of its own. */
const MAKER_TIMEOUT_MS = 180_000;

/** Where a configuration comes from. */
export interface ConfigSource {
  path: string;
  /** What the sandbox's annotations ask for beyond it. */
  annotations: Readonly<Record<string, string>>;
}

/**
 * What a VM of this configuration starts from; null: it boots. The first start has the template made, which takes little
 * longer than to boot, and all that come meanwhile wait for it. That it cannot be had is no failure of a start. When
 * `unwanted` rejects, nothing is made any more. `leaveCgroups` is called in the maker's process: what it takes is no sandbox's.
 */
export async function obtainTemplate(
  config: Config,
  source: ConfigSource,
  log: SandboxLog,
  unwanted: Promise<never>,
  leaveCgroups: () => void,
): Promise<Snapshot | null> {
  if (!config.factory.enableTemplate) return null;
  const factory = new Factory(config);
  const warn = (message: string): void => log.warning(message);
  try {
    const there = factory.open(warn);
    if (there !== null) return there;
    if (factory.failedLately) {
      log.info('the VM boots: its template could not be made a short while ago; kata-runtime factory init tries again');
      return null;
    }
    await runMaker(source, unwanted, leaveCgroups);
    return factory.open(warn);
  } catch (error) {
    log.warning(`the VM boots, because there is no template of it: ${KataError.from(error).line}`);
    return null;
  }
}

/** Forgets a template from which no VM could be started. */
export function dropTemplate(config: Config, snapshot: Snapshot, log: SandboxLog): void {
  try {
    new Factory(config).drop(snapshot);
  } catch (error) {
    log.warning(`a template that does not work stays: ${KataError.from(error).line}`);
  }
}

/**
 * A process of its own, since it takes memory that a shim need not: the same as `kata-runtime factory init` by hand. It
 * ends with the start that wanted it; whoever waits for the same template then makes it.
 */
async function runMaker(
  { path, annotations }: ConfigSource,
  unwanted: Promise<never>,
  beforeExec: () => void,
): Promise<void> {
  const self = readlink('/proc/self/exe');
  const program = `${self.slice(0, self.lastIndexOf('/'))}/kata-runtime`;
  const env = Object.entries(getenviron()).map(([name, value]) => `${name}=${value}`);
  const asked = Object.entries(annotations).flatMap(([name, value]) => ['--annotation', `${name}=${value}`]);
  const { status, stderr } = await run([program, '--config', path, 'factory', 'init', '--no-pool', ...asked], {
    env,
    timeoutMs: MAKER_TIMEOUT_MS,
    parentDeathSignal: SIGNAL.KILL,
    unwanted,
    beforeExec,
  });
  if (status.code !== 0)
    throw new KataError('internal', stderr.trim().split('\n').at(-1) || `the maker ended with ${status.code}`);
}
