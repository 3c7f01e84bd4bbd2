import type { GuestDisk } from '../hypervisor/hypervisor.ts';
import type { Storage } from '../protocols/gen/agent.ts';
import type { RootImage } from '../rootfs/root-image.ts';
import { guestRoot } from './guest-paths.ts';

const CREATE_DIRECTORY = 'io.katacontainers.volume.overlayfs.create_directory';

function storage(fields: Partial<Storage> & Pick<Storage, 'driver' | 'source' | 'fstype' | 'mountPoint'>): Storage {
  return { driverOptions: [], options: [], fsGroup: undefined, shared: false, ...fields };
}

/**
 * What the agent mounts for a container's root when no files are shared: the image read-only from its disk, a tmpfs of
 * `writableBytes`, and an overlay of both. The drivers are upstream's own, so that upstream's agent understands it.
 *
 * Unlike Kata: with `shared_fs = "none"` upstream sends no storage at all, and the agent finds no root (#10703).
 */
export function rootStorages(containerId: string, disk: GuestDisk, image: RootImage, writableBytes: number): Storage[] {
  const path = guestRoot(containerId);
  const upper = `${path.writable}/upper`;
  const work = `${path.writable}/work`;
  return [
    storage({
      driver: disk.driver,
      source: disk.source,
      fstype: image.fsType,
      options: ['ro'],
      mountPoint: path.lower,
    }),
    storage({
      driver: 'ephemeral',
      source: 'tmpfs',
      fstype: 'tmpfs',
      options: [`size=${writableBytes}`, 'mode=0755'],
      mountPoint: path.writable,
    }),
    storage({
      driver: 'overlayfs',
      source: 'overlay',
      fstype: 'overlay',
      driverOptions: [`${CREATE_DIRECTORY}=${upper}`, `${CREATE_DIRECTORY}=${work}`],
      options: [`lowerdir=${path.lower}`, `upperdir=${upper}`, `workdir=${work}`],
      mountPoint: path.rootfs,
    }),
  ];
}
