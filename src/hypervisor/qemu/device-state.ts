import { KataError } from '../../errors/kata-error.ts';
import { readFile } from '../../os/file.ts';
import type { Snapshot } from '../hypervisor.ts';
import type { MigrationCapability } from './qmp-commands.ts';

/** Of QEMU that saves, and of QEMU that reads it: memory stays in its file, the stream is the devices'. */
export const DEVICE_STATE_CAPABILITIES: MigrationCapability[] = [
  { capability: 'x-ignore-shared', state: true },
  { capability: 'events', state: true },
];

/** The saved devices of a guest take some 400 KiB: nothing near this is one. */
export const MAX_STATE_BYTES = 64 * 2 ** 20;

/** FNV-1a over 32-bit words, the last of them filled up with zeros: 400 KiB take QuickJS 5 ms, SHA-256 would take 300. */
export function checksumOf(bytes: Uint8Array): number {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
  let hash = 0x811c9dc5 ^ bytes.length;
  for (let i = 0; i < words.length; i++) hash = Math.imul(hash ^ words[i]!, 0x01000193);
  for (let i = words.length * 4; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash >>> 0;
}

/** The saved state of a guest's devices. `failed-precondition` when the file is not what was written. */
export function readDeviceState({
  statePath,
  stateChecksum,
}: Pick<Snapshot, 'statePath' | 'stateChecksum'>): Uint8Array {
  const bytes = readFile(statePath, MAX_STATE_BYTES);
  const checksum = checksumOf(bytes);
  if (checksum === stateChecksum) return bytes;
  throw new KataError(
    'failed-precondition',
    `${statePath} is expected to have the checksum ${stateChecksum}, found ${checksum}: it was damaged`,
    { hint: 'kata-runtime factory destroy removes templates, the next start makes a new one' },
  );
}
