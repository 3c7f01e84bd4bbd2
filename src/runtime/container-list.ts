import { shortName } from '../rootfs/oci-image/reference.ts';
import type { ContainerState } from './container-state.ts';
import type { ContainerRecord } from './container-store.ts';
import { formatDuration } from './duration.ts';
import { formatTable, shorten } from './table.ts';

export interface ListedContainer {
  record: ContainerRecord;
  state: ContainerState;
}

const HEAD = ['CONTAINER ID', 'IMAGE', 'COMMAND', 'CREATED', 'STATUS', 'NAME'];
const COMMAND_WIDTH = 24;

/** How a container is, for a person: `Up 3 minutes`, `Exited (0) 2 hours ago`. */
export function formatStatus({ record, state }: ListedContainer, nowMs: number): string {
  switch (state.status) {
    case 'exited':
      return `Exited (${state.exit?.status}) ${formatDuration(nowMs - (state.exit?.atMs ?? nowMs))} ago`;
    case 'running':
      return `Up ${formatDuration(nowMs - record.createdAtMs)}`;
    case 'paused':
      return `Up ${formatDuration(nowMs - record.createdAtMs)} (paused)`;
    case 'creating':
      return 'Creating';
    case 'created':
      return 'Created';
  }
}

/** The table of `ps`. */
export function formatContainers(containers: readonly ListedContainer[], nowMs: number): string {
  const rows = containers.map(({ record, state }) => [
    record.id.slice(0, 12),
    shortName(record.image),
    JSON.stringify(shorten(record.command.join(' '), COMMAND_WIDTH)),
    `${formatDuration(nowMs - record.createdAtMs)} ago`,
    formatStatus({ record, state }, nowMs),
    record.name,
  ]);
  return formatTable(HEAD, rows);
}

/** A container for programs: of `ps --format json` and `inspect`. Times are RFC 3339. */
export function containerToJson({ record, state }: ListedContainer): Record<string, unknown> {
  const { id, name, image, imageDigest, command, createdAtMs, autoRemove, terminal, detached } = record;
  const time = (ms: number): string => new Date(ms).toISOString();
  return {
    id,
    name,
    image,
    imageDigest,
    command,
    createdAt: time(createdAtMs),
    autoRemove,
    terminal,
    detached,
    status: state.status,
    pid: state.pid,
    exitStatus: state.exit?.status ?? null,
    exitedAt: state.exit === undefined ? null : time(state.exit.atMs),
  };
}
