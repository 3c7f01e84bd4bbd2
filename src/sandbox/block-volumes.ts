import { KataError } from '../errors/kata-error.ts';
import type { GuestDisk, Hypervisor } from '../hypervisor/hypervisor.ts';
import { isBind } from '../oci/bind-mount.ts';
import { listedDisks } from '../oci/listed-disks.ts';
import type { MountInfo } from '../oci/mount-info.ts';
import type { OciMount, OciSpec } from '../oci/spec.ts';
import { blockDevicePath } from '../os/block-device.ts';
import { isType, S, type Stat, stat } from '../os/stat.ts';
import { DISK_SIZE_OPTION } from '../protocols/disk-size-option.ts';
import type { Device, Storage } from '../protocols/gen/agent.ts';
import type { LinuxDevice, LinuxDeviceCgroup, Spec } from '../protocols/gen/oci.ts';
import { FSGroupChangePolicy } from '../protocols/gen/types.ts';
import { directVolume, hasDirectVolumes } from './direct-volumes.ts';
import { GUEST_SHARED } from './guest-paths.ts';
import type { Teardown } from './teardown.ts';

/** A disk that is plugged in, for all containers of the sandbox that use it. */
interface Plugged {
  id: string;
  disk: Promise<GuestDisk>;
  users: number;
}

/** What a container's volumes add to the request that makes it. */
export interface ContainerVolumes {
  devices: Device[];
  storages: Storage[];
  /** Whether the mount of this index in the spec is one of them; any other has to be brought to the guest in another way. */
  has(index: number): boolean;
  /** Puts them into the spec that the guest gets, whose mounts are those of the container's spec. */
  addTo(message: Spec): void;
}

/** The host's disks that containers of a sandbox use as volumes: raw, or with a file system that the guest mounts. */
export class BlockVolumes {
  readonly #plugged = new Map<string, Plugged>();
  #count = 0;

  /**
   * Gives the guest the disks of a container: the block devices of `linux.devices`, mounts of a block device with a file system,
   * binds of one, which become devices, and binds of a path that a direct volume stands for. `teardown` takes them away.
   */
  async attach(containerId: string, spec: OciSpec, machine: Hypervisor, teardown: Teardown): Promise<ContainerVolumes> {
    const volumes = new Volumes();
    const plug = async (path: string, of: Stat, readOnly: boolean): Promise<GuestDisk> => {
      const { id, key, disk } = this.#plug(machine, path, of, readOnly);
      teardown.add(`detach the volume ${path}`, () => this.#unplug(machine, key, id));
      return disk;
    };
    for (const { device, access } of listedDisks(spec)) {
      const { major = 0, minor = 0, path, fileMode = 0o660, uid = 0, gid = 0 } = device;
      const source = blockDevicePath(major, minor);
      const disk = await plug(source, stat(source), !access.includes('w'));
      const node = { path, type: 'b', major: BigInt(major), minor: BigInt(minor), fileMode, uid, gid };
      volumes.addDevice(disk, node, access);
    }
    const mayBeDirect = hasDirectVolumes();
    for (const [index, mount] of (spec.mounts ?? []).entries()) {
      const { destination, type = '', options = [], source = '' } = mount;
      const direct = mayBeDirect && isBind(mount) ? directVolume(source) : null;
      if (direct !== null) {
        const readOnly = options.includes('ro') || direct.options.includes('ro');
        const disk = await plug(direct.device, stat(direct.device), readOnly);
        const mountPoint = `${GUEST_SHARED}/${containerId}-volume-${index}`;
        volumes.addStorage(disk, mountPoint, { ...direct, options: [...direct.options, ...(readOnly ? ['ro'] : [])] });
        volumes.replace(index, { source: mountPoint, options });
        continue;
      }
      const of = blockDeviceAt(mount);
      if (of === null) continue;
      const readOnly = options.includes('ro');
      const disk = await plug(source, of, readOnly);
      if (isBind(mount)) {
        const [major, minor] = [BigInt(of.rdevMajor), BigInt(of.rdevMinor)];
        const fileMode = of.mode & 0o7777;
        volumes.addDevice(
          disk,
          { path: destination, type: 'b', major, minor, fileMode, uid: of.uid, gid: of.gid },
          readOnly ? 'r' : 'rw',
        );
        volumes.replace(index, null);
      } else {
        const mountPoint = `${GUEST_SHARED}/${containerId}-volume-${index}`;
        volumes.addStorage(disk, mountPoint, { fsType: type, options, fsGroup: null, driverOptions: [] });
        volumes.replace(index, { source: mountPoint, options: ['rbind', readOnly ? 'ro' : 'rw'] });
      }
    }
    return volumes;
  }

  #plug(machine: Hypervisor, path: string, { rdevMajor, rdevMinor }: Stat, readOnly: boolean) {
    const key = `${rdevMajor === 0 ? path : `${rdevMajor}:${rdevMinor}`} ${readOnly}`;
    let plugged = this.#plugged.get(key);
    if (plugged === undefined) {
      const id = `volume-${this.#count++}`;
      plugged = { id, disk: machine.attachDisk({ id, path, readOnly }), users: 0 };
      this.#plugged.set(key, plugged);
    }
    plugged.users++;
    return { ...plugged, key };
  }

  async #unplug(machine: Hypervisor, key: string, id: string): Promise<void> {
    const plugged = this.#plugged.get(key);
    if (plugged?.id !== id || --plugged.users > 0) return;
    this.#plugged.delete(key);
    // One that was never there is not to be taken away.
    if (await plugged.disk.catch(() => null)) await machine.detachDisk(id);
  }
}

class Volumes implements ContainerVolumes {
  readonly devices: Device[] = [];
  readonly storages: Storage[] = [];
  readonly #nodes: LinuxDevice[] = [];
  readonly #rules: LinuxDeviceCgroup[] = [];
  readonly #mounts = new Map<number, { source: string; options: string[] } | null>();

  addDevice(disk: GuestDisk, node: LinuxDevice, access: string): void {
    const { path: containerPath, major, minor } = node;
    this.devices.push({
      id: disk.source,
      type: disk.driver,
      vmPath: '',
      containerPath,
      options: sizeOption(disk.sizeBytes),
    });
    this.#nodes.push(node);
    // With the host's numbers, as in the node: the agent puts the guest's in both.
    if (access !== '') this.#rules.push({ allow: true, type: 'b', major, minor, access });
  }

  addStorage({ driver, source, sizeBytes }: GuestDisk, mountPoint: string, info: Omit<MountInfo, 'device'>): void {
    const { fsType: fstype, options, fsGroup } = info;
    const { Always, OnRootMismatch } = FSGroupChangePolicy;
    this.storages.push({
      driver,
      source,
      fstype,
      mountPoint,
      options: [...options],
      driverOptions: [...info.driverOptions, ...sizeOption(sizeBytes)],
      fsGroup:
        fsGroup === null
          ? undefined
          : { groupId: fsGroup.id, groupChangePolicy: fsGroup.always ? Always : OnRootMismatch },
      shared: false,
    });
  }

  replace(index: number, by: { source: string; options: string[] } | null): void {
    this.#mounts.set(index, by);
  }

  has(index: number): boolean {
    return this.#mounts.has(index);
  }

  addTo(message: Spec): void {
    const { linux } = message;
    linux?.devices.push(...this.#nodes);
    linux?.resources?.devices.push(...this.#rules);
    message.mounts = message.mounts.flatMap((mount, index) => {
      const by = this.#mounts.get(index);
      if (by === undefined) return [mount];
      return by === null ? [] : [{ destination: mount.destination, type: 'bind', ...by }];
    });
  }
}

/** What is behind a mount's source if that is a block device of the host. */
function blockDeviceAt({ source = '' }: OciMount): Stat | null {
  // `proc`, `tmpfs`.
  if (!source.startsWith('/')) return null;
  try {
    const found = stat(source);
    return isType(found, S.IFBLK) ? found : null;
  } catch (error) {
    // Whoever brings other mounts to the guest says what is wrong with it.
    if (KataError.from(error).code === 'not-found') return null;
    throw error;
  }
}

/** Unlike Kata: our agent waits until a disk in a slot has this size; upstream's passes it over. */
const sizeOption = (sizeBytes: number | undefined): string[] =>
  sizeBytes === undefined ? [] : [`${DISK_SIZE_OPTION}=${sizeBytes}`];
