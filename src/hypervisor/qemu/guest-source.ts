import type { Snapshot } from '../hypervisor.ts';
import type { Origin } from './command-line.ts';

/**
 * Where a guest comes from: booted; with its memory in a file, to be saved by `Qemu.save`, booted or going on from the devices'
 * state that was saved before; or a clone of a guest that was saved so.
 */
export type GuestSource =
  | { kind: 'boot' }
  | { kind: 'template'; memoryPath: string; from: Snapshot | null }
  | { kind: 'clone'; snapshot: Snapshot };

/** What QEMU is told of it. */
export function originOf(source: GuestSource): Origin {
  if (source.kind === 'boot') return source;
  if (source.kind === 'clone') return { kind: 'clone', memoryPath: source.snapshot.memoryPath, ownsMemory: false };
  return { kind: 'template', memoryPath: source.memoryPath, isRestored: source.from !== null };
}

/** What it goes on from; null: it boots. */
export function snapshotOf(source: GuestSource): Snapshot | null {
  if (source.kind === 'boot') return null;
  return source.kind === 'clone' ? source.snapshot : source.from;
}
