import { KataError } from '../../errors/kata-error.ts';
import type { Storage } from '../../protocols/gen/agent.ts';
import { optionValue, optionValues } from './option-value.ts';

/** The driver that a storage of a group may have instead of its disk's. */
export const LAYERS_DRIVER = 'erofs.multi-layer';
const MEMBER = 'X-kata.multi-layer=true';
const UPPER = 'X-kata.overlay-upper';
const LOWER = 'X-kata.overlay-lower';
const PARTITIONED = 'X-kata.gpt-partitioned=true';
const PARTITION = 'X-kata.partition-number';
const MAKE_FOLDER = 'X-kata.mkdir.path';
const VERITY = 'X-kata.dmverity';

/** One read-only layer, and the partition of its disk that holds it. */
export interface Layer {
  storage: Storage;
  partition: number | undefined;
}

/** Disks that make one root together, as containerd's EROFS snapshotter and upstream's runtime in Rust hand it over. */
export interface LayerGroup {
  /** Where the whole is mounted. */
  target: string;
  /** A disk to write on; none means a folder in memory. */
  upper: Storage | undefined;
  /** The uppermost first, as overlayfs has it. */
  lowers: Layer[];
  /** Folders to make first; `{{ mount 0 }}` stands for the writable layer, `{{ mount 1 }}` for the first other. */
  folders: string[];
}

/** Whether a storage is part of such a group; all of one request are one group. */
export function isLayer({ driver, options }: Storage): boolean {
  return driver === LAYERS_DRIVER || options.includes(MEMBER);
}

/** The group that these storages are. Throws `invalid-argument` when they are none. */
export function planLayers(storages: readonly Storage[]): LayerGroup {
  const verified = storages.find(({ options }) => options.some((option) => option.startsWith(VERITY)));
  if (verified !== undefined)
    throw new KataError('unimplemented', `the layer ${verified.source} is expected without dm-verity`, {
      hint: 'switch dm-verity off in the snapshotter',
    });
  const uppers = storages.filter(isUpper);
  const lowers = storages.filter((storage) => !isUpper(storage)).map(toLayer);
  if (uppers.length > 1 || lowers.length === 0)
    throw new KataError(
      'invalid-argument',
      `layers are expected to be at most one of ext4 and at least one of erofs, found ${uppers.length} and ${lowers.length}`,
    );
  if (lowers.some(({ partition }) => partition !== undefined))
    lowers.sort((a, b) => (a.partition ?? Number.MAX_SAFE_INTEGER) - (b.partition ?? Number.MAX_SAFE_INTEGER));
  return {
    target: (uppers[0] ?? lowers[0]!.storage).mountPoint,
    upper: uppers[0],
    lowers,
    folders: storages.flatMap(({ options }) => optionValues(options, MAKE_FOLDER)),
  };
}

function isUpper({ fstype, options, source }: Storage): boolean {
  if (!options.includes(UPPER)) return fstype === 'ext4' && !options.includes(LOWER);
  if (fstype === 'ext4') return true;
  throw new KataError('invalid-argument', `the writable layer ${source} is expected to be ext4, found ${fstype}`);
}

function toLayer(storage: Storage): Layer {
  if (!storage.options.includes(PARTITIONED)) return { storage, partition: undefined };
  const partition = Number(optionValue(storage.options, PARTITION));
  if (!Number.isInteger(partition) || partition < 1)
    throw new KataError('invalid-argument', `the layer ${storage.source} is expected to name its partition`);
  return { storage, partition };
}
