import { readlink } from '../../os/file.ts';
import type { ShimFlags } from '../flags.ts';

/** Exists while there is a pool, so that a start without one need not look for it in the configuration. */
export const POOLS_FOLDER = '/run/kata-containers/pools';

/** What is asked of a pool: one message, one answer, on a connection of its own. */
export type PoolRequest =
  | ({ kind: 'claim' } & Claim)
  | { kind: 'status' }
  /** Ends the pool and the VMs that wait. */
  | { kind: 'stop' };

/** A container's start wants a VM. Its listening socket comes along. */
export interface Claim {
  flags: ShimFlags;
  bundle: string;
  socketPath: string;
  timeline: boolean;
  environment: Record<string, string>;
  /** Of the start, as `ownNamespaces` tells them: paths and process ids mean the same to both. */
  namespaces: string;
}

/** `pid` of the shim that serves from now on, or why there is none. */
export type ClaimAnswer = { pid: number } | { refused: string };

export interface PoolStatus {
  pid: number;
  /** Warm and waiting; and how many there should be. */
  ready: number;
  wanted: number;
  given: number;
  /** Why VMs do not come about; empty since the last one that did. */
  lastFailure: string;
}

/** Which process, mount and network namespaces this process is in. */
export function ownNamespaces(): string {
  return ['mnt', 'pid', 'net', 'user'].map((kind) => readlink(`/proc/self/ns/${kind}`)).join(' ');
}
