import { close, read, writeSync } from '../os/fd.ts';

/**
 * A shim serves for whoever gets its address, which `start` prints. Between the two is a descriptor: `start` sends a byte
 * when the address is with its caller. Its end without one, however `start` ended, means that nobody knows of this shim.
 */
export function confirm(fd: number): void {
  writeSync(fd, new Uint8Array(1));
}

/** Whether `start` came to confirm; resolves when that is known. Takes the descriptor, which does not block. */
export async function confirmed(fd: number): Promise<boolean> {
  try {
    return (await read(fd, new Uint8Array(1))) > 0;
  } catch {
    // A connection that was reset.
    return false;
  } finally {
    close(fd);
  }
}
