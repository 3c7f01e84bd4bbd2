import { listDirectoryIfExists } from '../os/directory.ts';
import { readTextIfExists, writeFileAtomic } from '../os/file.ts';
import { isIdentifier } from './identifier.ts';
import { SANDBOXES, sandboxDirectory } from './saved-state.ts';

/** What a person wants to know of a sandbox, kept by its shim in the sandbox's folder. */
export interface SandboxRecord {
  /** The format; another one is not read. */
  version: 1;
  sandboxId: string;
  kind: 'pod' | 'container';
  /** containerd's namespace. */
  namespace: string;
  /** Where its shim serves the task API. */
  socket: string;
  /** As Kubernetes names the pod. */
  podName?: string;
  podNamespace?: string;
  createdAtMs: number;
  /** The configuration file. */
  configPath: string;
  /** The VM's size at its start. */
  vcpus: number;
  memoryMib: number;
  /** `debug_console_enabled`. */
  debugConsole: boolean;
  containers: RecordedContainer[];
}

export interface RecordedContainer {
  id: string;
  /** As Kubernetes names it. */
  name?: string;
  image?: string;
  bundle: string;
}

const file = (sandboxId: string): string => `${sandboxDirectory(sandboxId)}/sandbox.json`;

export function saveRecord(record: SandboxRecord): void {
  writeFileAtomic(file(record.sandboxId), JSON.stringify(record), 0o600);
}

/** What was kept; null when the sandbox is still being made, is gone, or is of another version. */
export function loadRecord(sandboxId: string): SandboxRecord | null {
  const text = readTextIfExists(file(sandboxId));
  if (text === null) return null;
  try {
    const record = JSON.parse(text) as SandboxRecord;
    return record.version === 1 ? record : null;
  } catch {
    return null;
  }
}

/** The ids of all sandboxes of this host, also of those that are being made, or that were left behind. */
export function listSandboxIds(): string[] {
  return listDirectoryIfExists(SANDBOXES).filter(isIdentifier).sort();
}
