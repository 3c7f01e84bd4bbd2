import { formatDuration } from '../duration.ts';
import { formatSize } from '../size.ts';
import { formatTable } from '../table.ts';
import type { Sandbox, SandboxProcess } from './read-sandboxes.ts';

const HEAD = ['SANDBOX ID', 'NAME', 'NAMESPACE', 'CONTAINERS', 'VM', 'MEMORY', 'STATE'];

/** What the processes of a sandbox take of the host's memory. */
export function memoryOfAll({ shim, vmm }: Pick<Sandbox, 'shim' | 'vmm'>): number {
  return (shim?.memoryBytes ?? 0) + (vmm?.memoryBytes ?? 0);
}

/** How a sandbox is, for a person: `Up 3 minutes`. */
export function formatState({ status, record, shim, vmm }: Sandbox, nowMs: number): string {
  if (status === 'starting') return 'Starting';
  if (status === 'running') return `Up ${formatDuration(nowMs - record!.createdAtMs)}`;
  return `Broken: ${[gone('its shim', shim), gone('its VM', vmm)].filter((word) => word !== '').join(' and ')} ended`;
}

const gone = (what: string, process: SandboxProcess | null): string => (process?.running === false ? what : '');

/** The table of `list`. */
export function formatSandboxes(sandboxes: readonly Sandbox[], nowMs: number): string {
  const rows = sandboxes.map((sandbox) => [
    sandbox.id.slice(0, 12),
    sandbox.name || '-',
    sandbox.record?.namespace ?? '-',
    String(sandbox.record?.containers.length ?? 0),
    sandbox.vmm === null ? '-' : String(sandbox.vmm.pid),
    formatSize(memoryOfAll(sandbox)),
    formatState(sandbox, nowMs),
  ]);
  return formatTable(HEAD, rows);
}

/** A sandbox for programs: of `list --format json` and `state`. Times are RFC 3339. */
export function sandboxToJson({ id, status, name, shim, vmm, record }: Sandbox): Record<string, unknown> {
  const { version: _version, sandboxId: _id, createdAtMs, containers = [], ...rest } = record ?? {};
  return {
    id,
    status,
    name,
    createdAt: createdAtMs === undefined ? null : new Date(createdAtMs).toISOString(),
    memoryBytes: memoryOfAll({ shim, vmm }),
    shim,
    vmm,
    ...rest,
    containers,
  };
}
