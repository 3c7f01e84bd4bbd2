import { formatSize } from '../size.ts';
import { formatTable } from '../table.ts';
import type { ContainerInside } from './look-inside.ts';
import type { Sandbox, SandboxProcess } from './read-sandboxes.ts';
import { formatState } from './sandbox-table.ts';

/** What `state` tells a person of one sandbox. */
export function formatReport(sandbox: Sandbox, containers: readonly ContainerInside[], nowMs: number): string {
  const { id, name, record, shim, vmm } = sandbox;
  const size = record === null ? '' : `, ${processors(record.vcpus)} and ${record.memoryMib} MiB at its start`;
  const lines: [title: string, text: string][] = [
    ['sandbox', id],
    ['name', name],
    ['state', formatState(sandbox, nowMs)],
    ['namespace', record?.namespace ?? ''],
    ['configuration', record?.configPath ?? ''],
    ['shim', describe(shim)],
    ['VM', vmm === null ? '' : `${describe(vmm)}${size}`],
    ['debug console', consoleOf(sandbox)],
  ];
  const width = Math.max(...lines.map(([title]) => title.length)) + 3;
  const head = lines.filter(([, text]) => text !== '').map(([title, text]) => `${title.padEnd(width)}${text}\n`);
  if (containers.length === 0) return head.join('');
  const rows = containers.map(({ id: of, name: called, image, status, pid }) => [
    of.slice(0, 12),
    called ?? '-',
    image ?? '-',
    status,
    pid === 0 ? '-' : String(pid),
  ]);
  return `${head.join('')}\n${formatTable(['CONTAINER ID', 'NAME', 'IMAGE', 'STATUS', 'PID IN THE GUEST'], rows)}`;
}

const processors = (count: number): string => `${count} processor${count === 1 ? '' : 's'}`;

function describe(process: SandboxProcess | null): string {
  if (process === null) return '';
  return `process ${process.pid}, ${process.running ? `${formatSize(process.memoryBytes)} of the host's memory` : 'ended'}`;
}

function consoleOf({ id, record }: Sandbox): string {
  if (record === null) return '';
  if (!record.debugConsole) return 'off (debug_console_enabled in [agent.kata])';
  return `on: kata-runtime exec ${id.slice(0, 12)}`;
}
