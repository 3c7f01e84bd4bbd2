import { makeDirectories, removeTree } from '../os/directory.ts';
import { readTextIfExists, writeFileAtomic } from '../os/file.ts';
import type { SavedCgroups } from './cgroup/saved-cgroups.ts';
import { checkIdentifier } from './identifier.ts';
import type { SavedNetwork } from './network/saved-network.ts';

/** Where sandboxes keep what outlives their shim, a folder each (upstream's runtime-rs uses the same). */
export const SANDBOXES = '/run/kata';

/** What another process needs to know to clean up after a shim that is gone. */
export interface SavedState {
  /** The format; another one is not read. */
  version: 1;
  sandboxId: string;
  /** The VMM as `/proc` names it: the start time tells it from a later process of the same pid. */
  vmm?: { pid: number; startTime: string };
  /** The shim itself: one that lives, but answers nobody any more, is ended by `delete`. */
  shim?: { pid: number; startTime: string };
  /** Where its roots' images are: those that were its alone go with it. */
  rootCache?: { directory: string; sizeMib: number };
  /** What was changed in the pod's network namespace. */
  network?: SavedNetwork;
  /** Its cgroups on the host. */
  cgroups?: SavedCgroups;
}

/** The sandbox's own folder. Throws `invalid-argument` for an id that would name another. */
export function sandboxDirectory(sandboxId: string): string {
  return `${SANDBOXES}/${checkIdentifier('a sandbox', sandboxId)}`;
}

/** Makes the sandbox's folder, for root alone. */
export function makeSandboxDirectory(sandboxId: string): string {
  const path = sandboxDirectory(sandboxId);
  makeDirectories(path, 0o700);
  return path;
}

export function saveState(state: SavedState): void {
  writeFileAtomic(`${sandboxDirectory(state.sandboxId)}/state.json`, JSON.stringify(state), 0o600);
}

/** What was saved; null when there is nothing, or nothing that can be read. */
export function loadState(sandboxId: string): SavedState | null {
  const text = readTextIfExists(`${sandboxDirectory(sandboxId)}/state.json`);
  if (text === null) return null;
  try {
    const state = JSON.parse(text) as SavedState;
    return state.version === 1 ? state : null;
  } catch {
    return null;
  }
}

export function removeSandboxDirectory(sandboxId: string): void {
  removeTree(sandboxDirectory(sandboxId));
}
