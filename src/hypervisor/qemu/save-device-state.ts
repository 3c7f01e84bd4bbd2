import { KataError } from '../../errors/kata-error.ts';
import type { ByteStream } from '../../os/byte-stream.ts';
import { concatenate } from '../../os/bytes.ts';
import { removeFile, writeFile } from '../../os/file.ts';
import { listenUnix } from '../../os/socket.ts';
import { checksumOf, DEVICE_STATE_CAPABILITIES, MAX_STATE_BYTES } from './device-state.ts';
import type { Qmp } from './qmp.ts';

const SAVE_TIMEOUT_MS = 30_000;

/**
 * Has QEMU, whose guest is stopped, write the state of its devices to a file; its checksum. A socket is what QEMUs of all
 * versions write to without starting a program, which their sandbox forbids.
 */
export async function saveDeviceState(qmp: Qmp, statePath: string, socketPath: string): Promise<number> {
  const listener = listenUnix(socketPath);
  try {
    const completed = qmp.waitForEvent(
      'save the guest',
      ({ event, data }) => event === 'MIGRATION' && (data.status === 'completed' || data.status === 'failed'),
      SAVE_TIMEOUT_MS,
    );
    completed.catch(() => {});
    const accepted = listener.accept();
    accepted.catch(() => {});
    await qmp.execute('migrate-set-capabilities', { capabilities: DEVICE_STATE_CAPABILITIES });
    await qmp.execute('migrate', { uri: `unix:${socketPath}` });
    const stream = await Promise.race([accepted, completed.then(refused)]);
    const state = await readAll(stream);
    const { data } = await completed;
    if (data.status === 'failed') refused();
    writeFile(statePath, state, 0o600);
    return checksumOf(state);
  } finally {
    listener.close();
    removeFile(socketPath);
  }
}

function refused(): never {
  throw new KataError('internal', 'QEMU is expected to save its guest, it refused');
}

async function readAll(stream: ByteStream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  try {
    for (;;) {
      const chunk = await stream.read();
      if (chunk === null) return concatenate(chunks);
      total += chunk.length;
      if (total > MAX_STATE_BYTES)
        throw new KataError('resource-exhausted', `a guest's devices are expected to take ${MAX_STATE_BYTES} bytes`);
      chunks.push(chunk);
    }
  } finally {
    stream.close();
  }
}
