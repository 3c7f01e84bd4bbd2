import { blk, mmioblk, nvdimm, scsi } from './disk-drivers.ts';
import { ephemeral } from './ephemeral.ts';
import { imageGuestPull } from './image-guest-pull.ts';
import { local } from './local.ts';
import { overlayfs } from './overlayfs.ts';
import type { StorageDriver } from './storage-driver.ts';
import { virtioFs } from './virtio-fs.ts';
import { watchableBind } from './watchable-bind.ts';

/** Every storage driver of this agent. */
export const STORAGE_DRIVERS: readonly StorageDriver[] = [
  scsi,
  blk,
  mmioblk,
  nvdimm,
  virtioFs,
  overlayfs,
  ephemeral,
  local,
  watchableBind,
  imageGuestPull,
];
