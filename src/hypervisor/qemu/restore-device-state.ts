import { KataError } from '../../errors/kata-error.ts';
import type { FdStream } from '../../os/fd-stream.ts';
import type { Snapshot } from '../hypervisor.ts';
import { DEVICE_STATE_CAPABILITIES, readDeviceState } from './device-state.ts';
import { INCOMING_FD } from './launch.ts';
import type { Qmp } from './qmp.ts';

const RESTORE_TIMEOUT_MS = 30_000;

/**
 * Has QEMU, which was started for it, read the state of its guest's devices, and lets the guest go on. `incoming` leads to where
 * QEMU reads; it is closed in the end. `failed-precondition` when QEMU does not take what was saved.
 */
export async function restoreDeviceState(qmp: Qmp, incoming: FdStream, snapshot: Snapshot): Promise<void> {
  try {
    // QEMU is still busy making its devices: what it will read is checked meanwhile.
    const state = readDeviceState(snapshot);
    const completed = qmp.waitForEvent(
      'restore the guest',
      ({ event, data }) => event === 'MIGRATION' && (data.status === 'completed' || data.status === 'failed'),
      RESTORE_TIMEOUT_MS,
    );
    completed.catch(() => {});
    await qmp.execute('migrate-set-capabilities', { capabilities: DEVICE_STATE_CAPABILITIES });
    // A clone has not moved: nobody has to learn where its addresses are now.
    await qmp.execute('migrate-set-parameters', { 'announce-rounds': 0 });
    await qmp.execute('migrate-incoming', { uri: `fd:${INCOMING_FD}` });
    await incoming.write(state);
    incoming.closeWrite();
    const { data } = await completed;
    if (data.status === 'failed') throw new KataError('failed-precondition', 'QEMU does not accept what was saved');
    await qmp.execute('cont', undefined);
  } finally {
    incoming.close();
  }
}
