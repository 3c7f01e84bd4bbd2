import { readTextIfExists } from '../../os/file.ts';
import { isRunning } from '../../sandbox/machine.ts';
import { listSandboxIds, loadRecord, type SandboxRecord } from '../../sandbox/sandbox-record.ts';
import { loadState } from '../../sandbox/saved-state.ts';
import { readContainer } from '../container-store.ts';

/** `starting`: its VM comes up. `running`. `broken`: its shim or its VM is gone and nobody has cleaned up after it. */
export type SandboxStatus = 'starting' | 'running' | 'broken';

/** A process of a sandbox. */
export interface SandboxProcess {
  pid: number;
  running: boolean;
  /** What it takes of the host's memory, shared pages by their share (Pss); 0 when it is gone. */
  memoryBytes: number;
}

/** A sandbox as it is found on this host. */
export interface Sandbox {
  id: string;
  status: SandboxStatus;
  /** As a person knows it: the pod, or the container's name. Empty when it has none. */
  name: string;
  shim: SandboxProcess | null;
  vmm: SandboxProcess | null;
  /** Null before it has a container. */
  record: SandboxRecord | null;
}

/** Every sandbox of this host, the newest first, those without a record last. */
export function readSandboxes(): Sandbox[] {
  const made = ({ record }: Sandbox): number => record?.createdAtMs ?? 0;
  return listSandboxIds()
    .map(readSandbox)
    .filter((found) => found !== null)
    .sort((one, other) => made(other) - made(one));
}

/** Null when it is gone. */
function readSandbox(id: string): Sandbox | null {
  const state = loadState(id);
  if (state === null) return null;
  const record = loadRecord(id);
  const shim = look(state.shim);
  const vmm = look(state.vmm);
  return { id, status: statusOf(shim, vmm, record), name: nameOf(id, record), shim, vmm, record };
}

function statusOf(
  shim: SandboxProcess | null,
  vmm: SandboxProcess | null,
  record: SandboxRecord | null,
): SandboxStatus {
  if (shim?.running !== true || vmm?.running === false) return 'broken';
  return record === null || vmm === null ? 'starting' : 'running';
}

/** Containers that kata-runtime made have names of its own. */
function nameOf(id: string, record: SandboxRecord | null): string {
  if (record?.podName !== undefined)
    return record.podNamespace === undefined ? record.podName : `${record.podNamespace}/${record.podName}`;
  return readContainer(id)?.name ?? '';
}

function look(saved: { pid: number; startTime: string } | undefined): SandboxProcess | null {
  if (saved === undefined) return null;
  const running = isRunning(saved);
  return { pid: saved.pid, running, memoryBytes: running ? memoryOf(saved.pid) : 0 };
}

function memoryOf(pid: number): number {
  try {
    const text = readTextIfExists(`/proc/${pid}/smaps_rollup`) ?? '';
    return Number(/^Pss: +(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024;
  } catch {
    // It ends just now.
    return 0;
  }
}
