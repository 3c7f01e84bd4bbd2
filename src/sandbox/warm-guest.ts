import type { Config } from '../config/config.ts';
import { KataError } from '../errors/kata-error.ts';
import type { Qemu } from '../hypervisor/qemu/qemu.ts';
import { type AgentClient, agentClient } from './agent-client.ts';
import { becomeOneself } from './become-oneself.ts';
import { newMachine } from './machine.ts';
import { RelayLog } from './relay-log.ts';
import { Factory } from './template/factory.ts';
import { warmUpRoot } from './template/template.ts';
import { warmUp } from './template/warm-up.ts';
import { startWithInterface } from './template/warm-up-interface.ts';

const DISK = 'warm-up';

/** A VM that runs, has run a container, and has none: the next sandbox's. */
export interface WarmGuest {
  /** `Factory.name` of the guest: a sandbox that wants another one cannot have it. */
  name: string;
  machine: Qemu;
  client: AgentClient;
  log: RelayLog;
}

/**
 * Restores a VM and runs a container in it that does nothing, so that the guest's code is translated and its memory
 * mapped. On failure nothing is left.
 */
export async function warmGuest(config: Config): Promise<WarmGuest> {
  const factory = new Factory(config);
  const log = new RelayLog();
  let unusable = 'there is none';
  const snapshot = factory.open((message) => {
    unusable = message;
  });
  if (snapshot === null)
    throw new KataError('not-found', `a template is expected: ${unusable}`, {
      hint: 'run kata-runtime factory init',
    });
  // With a QEMU of its own, whose translated code is on huge pages: a start out of the pool takes 266 ms instead of 291.
  const machine = newMachine(config, 'pool', log, { ...snapshot, process: null });
  try {
    const place = await startWithInterface(machine);
    const client = agentClient(await machine.connectAgent(config.agent.dialTimeoutMs), {
      firstStreamId: machine.agentStreamId,
    });
    await becomeOneself(client, config.agent.dialTimeoutMs);
    const root = warmUpRoot(snapshot);
    const disk = await machine.attachDisk({ id: DISK, path: root.path, readOnly: true });
    await warmUp(client, disk, root, place);
    await machine.detachDisk(DISK);
    if (place !== null) await machine.detachInterface(place);
    await machine.emptyInterfaceSlots();
    return { name: factory.name, machine, client, log };
  } catch (error) {
    await machine.stop();
    throw error;
  }
}
