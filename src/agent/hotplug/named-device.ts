import { KataError } from '../../errors/kata-error.ts';
import { usableNode } from './block-node.ts';
import { waitForDevice } from './wait-for-device.ts';

/** The block device of a known name (`/dev/vdb` of virtio-mmio, `/dev/pmem1`), once it is there. */
export function waitForNamedDevice(path: string, timeoutMs: number): Promise<string> {
  if (!/^\/dev\/[\w-]+$/.test(path))
    throw new KataError('invalid-argument', `a node /dev/<name> is expected, found ${JSON.stringify(path)}`);
  return waitForDevice(() => usableNode(path), `block device ${path}`, timeoutMs);
}
