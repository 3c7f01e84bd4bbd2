/**
 * The QMP commands in use, with what they take and answer (qemu-qmp-ref(7)). Names are QEMU's own, so that the manual
 * can be searched for them.
 */
export interface QmpCommands {
  qmp_capabilities: { arguments: undefined; result: object };
  'query-status': { arguments: undefined; result: { status: string; running: boolean } };
  'blockdev-add': { arguments: BlockNode; result: object };
  /** Also tells the guest of the size. */
  block_resize: { arguments: { 'node-name': string; size: number }; result: object };
  'blockdev-del': { arguments: { 'node-name': string }; result: object };
  'object-add': {
    arguments: { 'qom-type': 'memory-backend-memfd'; id: string; size: number; share: boolean };
    result: object;
  };
  'object-del': { arguments: { id: string }; result: object };
  'query-hotpluggable-cpus': { arguments: undefined; result: HotpluggableCpu[] };
  device_add: { arguments: Device; result: object };
  device_del: { arguments: { id: string }; result: object };
  /** Replaces the node behind a device that has a `drive`. */
  'qom-set': { arguments: { path: string; property: string; value: string }; result: object };
  'migrate-set-capabilities': { arguments: { capabilities: MigrationCapability[] }; result: object };
  'migrate-set-parameters': { arguments: { 'announce-rounds': number }; result: object };
  migrate: { arguments: { uri: string }; result: object };
  'migrate-incoming': { arguments: { uri: string }; result: object };
  /** Takes a descriptor, which comes along as SCM_RIGHTS; `fd` is its number in QEMU. */
  'add-fd': { arguments: object; result: { 'fdset-id': number; fd: number } };
  /** Closes them. */
  'remove-fd': { arguments: { 'fdset-id': number }; result: object };
  stop: { arguments: undefined; result: object };
  cont: { arguments: undefined; result: object };
  quit: { arguments: undefined; result: object };
}
export type QmpCommandName = keyof QmpCommands;

/** How the host reads and writes a disk: `block_device_aio` of the configuration. */
export type DiskAio = 'threads' | 'native' | 'io_uring';

/** `x-ignore-shared`: shared memory is not part of the stream; `events`: QEMU tells how far it is. */
export interface MigrationCapability {
  capability: 'x-ignore-shared' | 'events';
  state: boolean;
}

export interface CacheOptions {
  /** Past the host's page cache (O_DIRECT). */
  direct: boolean;
  /** Flushes of the guest are ignored. */
  'no-flush': boolean;
}

/** A `raw` node over a file or block device of the host. */
export interface BlockNode {
  driver: 'raw';
  /** At most 31 bytes. */
  'node-name': string;
  'read-only': boolean;
  cache?: CacheOptions;
  file: {
    driver: 'file' | 'host_device';
    filename: string;
    aio: DiskAio;
    locking?: 'auto' | 'off';
    cache?: CacheOptions;
  };
}

/** A place for vCPUs: `qom-path` when one is there. */
export interface HotpluggableCpu {
  type: string;
  'vcpus-count': number;
  props: Record<string, number>;
  'qom-path'?: string;
}

export interface Device {
  driver: string;
  id: string;
  [property: string]: string | number | boolean;
}
