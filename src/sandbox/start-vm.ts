import type { Config } from '../config/config.ts';
import { KataError } from '../errors/kata-error.ts';
import type { Snapshot } from '../hypervisor/hypervisor.ts';
import type { Qemu } from '../hypervisor/qemu/qemu.ts';
import type { SandboxLog } from './sandbox-log.ts';
import { Factory } from './template/factory.ts';
import { type ConfigSource, dropTemplate, obtainTemplate } from './template/obtain-template.ts';
import type { WarmGuest } from './warm-guest.ts';

export interface VmStart {
  config: Config;
  /** Where the configuration is from, for whoever makes a template by it. */
  source: ConfigSource;
  log: SandboxLog;
  /** A VM for this snapshot, or one that boots, not started yet: from now on it is the sandbox's, which may stop it. */
  use: (snapshot: Snapshot | null) => Promise<Qemu>;
  /** Rejects when the sandbox is to stop. */
  unwanted: Promise<never>;
  isStopping: () => boolean;
  /** Called in the process that makes a template. */
  leaveCgroups: () => void;
}

/** Starts a VM: from its template, or by booting it when there is none or it does not work. Whether it is a clone. */
export async function startVm({
  config,
  source,
  log,
  use,
  unwanted,
  isStopping,
  leaveCgroups,
}: VmStart): Promise<boolean> {
  const snapshot = await obtainTemplate(config, source, log, unwanted, leaveCgroups);
  if (isStopping()) throw new KataError('cancelled', 'the VM was stopped');
  const machine = await use(snapshot);
  if (snapshot === null) {
    await machine.start();
    return false;
  }
  try {
    await machine.start();
    // It did without, and so would all others, each more slowly: the next start makes a new one.
    if (snapshot.process !== null && !machine.isResumed) dropTemplate(config, snapshot, log);
    return true;
  } catch (error) {
    await machine.stop();
    if (isStopping()) throw error;
    log.warning(`the VM boots, its template is removed: ${KataError.from(error).line}`);
    dropTemplate(config, snapshot, log);
    await (await use(null)).start();
    return false;
  }
}

/** The VM that waits, if it is the one that is wanted and still runs; else it is ended. */
export async function warmOrEnded(
  warm: WarmGuest | undefined,
  config: Config,
  log: SandboxLog,
): Promise<WarmGuest | null> {
  if (warm === undefined) return null;
  const isWanted = config.factory.enableTemplate && warm.name === new Factory(config).name;
  if (isWanted && warm.machine.isRunning) return warm;
  log.info(`the VM that waited is not used: ${isWanted ? 'it has ended' : 'another configuration is asked for'}`);
  warm.client.close();
  await warm.machine.stop();
  return null;
}
