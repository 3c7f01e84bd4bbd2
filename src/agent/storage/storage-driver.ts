import type { KataError } from '../../errors/kata-error.ts';
import type { Storage } from '../../protocols/gen/agent.ts';

/** What a driver is told of the agent it works for. */
export interface StorageContext {
  /** How long a device may take to appear. */
  hotplugTimeoutMs: number;
  /** Resolves when the modules that every start loads are there: disks and file systems need them. */
  modulesReady: Promise<void>;
}

/** A storage that was made available. */
export interface AttachedStorage {
  /** Takes it away again, idempotent, going on past what fails; the failures are the result. */
  detach(): KataError[];
}

/** One way for a volume or a root to get to its place in the guest; `Storage.driver` names it. */
export interface StorageDriver {
  readonly name: string;
  /** Makes the storage available at its mount point. What it has done when it throws, it has undone. */
  attach(storage: Storage, context: StorageContext): Promise<AttachedStorage>;
}
