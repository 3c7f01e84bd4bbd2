import type { ByteStream } from '../os/byte-stream.ts';
import type { ExitStatus } from '../os/process.ts';

/** A disk for a running guest. */
export interface Disk {
  /** Unique in the VM; also the QEMU id, so letters, digits, `-` and `_`. */
  id: string;
  /** A file or block device of the host. */
  path: string;
  readOnly: boolean;
}

/** Where a disk is in the guest, in the agent API's words: `Storage.driver` and `Storage.source`. */
export interface GuestDisk {
  driver: 'scsi' | 'blk';
  /** `scsi`: `id:lun`; `blk`: the PCI path, two hexadecimal digits of slot a hop, `02/01`. */
  source: string;
  /** What the guest is being told of its size, where it may have seen another one there before. */
  sizeBytes?: number;
}

/** A network interface for a guest: what the host's end of it is. */
export interface Tap {
  /** A tap's descriptor, which the hypervisor copies; with virtio's header in front of frames. */
  fd: number;
  /** The guest's address. */
  macAddress: string;
}

/** Where a network interface is in the guest, in the agent API's words: `Interface.devicePath`, a PCI path. */
export interface GuestInterface {
  devicePath: string;
}

/** A guest that was saved, and that any number of VMs may start from at once. It is only ever read. */
export interface Snapshot {
  /** The guest's memory, a file of `memoryMib` on tmpfs; what the guest never touched are holes. */
  memoryPath: string;
  /** The state of processor and devices: the VMM's own format. */
  statePath: string;
  /** `checksumOf` of that file. */
  stateChecksum: number;
  /** The version of the VMM that wrote it, as it tells it: no other may read it. */
  vmmVersion: string;
  /** The VMM's process itself, saved at the same moment; null where that cannot be. */
  process: SavedVmm | null;
  /**
   * What the guest's driver and the network devices that had one then agreed upon, a digit each from feature 0 on
   * (VIRTIO_NET_F_*); empty: none had.
   */
  interfaceFeatures: string;
  /** The agent's connection was open then: it goes on, and this is the id of the next stream in it. */
  agentStreamId: number;
}

/** A VMM's process that was saved, with what it had translated of the guest's code. */
export interface SavedVmm {
  /** Its description, JSON. */
  imagePath: string;
  /** Its memory. */
  pagesPath: string;
  /** `checksumOf` of the description and of what remakes the process. */
  checksum: number;
}

/** What a VM is made of. */
export interface MachineOptions {
  sandboxId: string;
  kernelPath: string;
  initrdPath: string;
  /** Words added behind the hypervisor's own on the kernel's command line. */
  kernelParams: readonly string[];
  memoryMib: number;
  vcpus: number;
  /** The most that they can become by hot-plug; not less than it begins with. */
  maxMemoryMib: number;
  maxVcpus: number;
  /** How many modules of memory can be plugged in. */
  memorySlots: number;
}

/** How large a VM is. */
export interface MachineSize {
  vcpus: number;
  memoryMib: number;
}

/**
 * One virtual machine. What a hypervisor cannot do throws `unimplemented`. `stop` may be called at any time, often, and
 * leaves nothing: no process, no file, no descriptor.
 */
export interface Hypervisor {
  /** The VMM's process, 0 before `start`. */
  readonly pid: number;
  /** The VMM's threads that run vCPUs, by their numbers on the host; none when it does not run. */
  vcpuThreads(): number[];
  /** Settles when the VMM is gone, however it went. */
  readonly exited: Promise<ExitStatus>;
  /** Spawns the VMM and lets the guest boot; resolves when the VMM takes commands, not when the guest is up. */
  start(): Promise<void>;
  /**
   * The agent's channel. Bytes written before the guest listens wait for it. `unavailable` when the VMM ends first,
   * `deadline-exceeded` after `timeoutMs`, both with the console's last lines.
   */
  connectAgent(timeoutMs: number): Promise<ByteStream>;
  /** Gives the guest a disk. Resolves when the VMM has it; the agent waits for the guest's kernel to see it. */
  attachDisk(disk: Disk): Promise<GuestDisk>;
  /** Takes a disk away and lets go of its file; unknown ids are fine. */
  detachDisk(id: string): Promise<void>;
  /**
   * Gives the guest a network interface; before `start` it is there when the guest comes up. The agent gives the device its
   * driver and its address. `resource-exhausted` when the guest has as many as it can, `failed-precondition` when this VM
   * cannot get one any more.
   */
  attachInterface(tap: Tap): Promise<GuestInterface>;
  /**
   * Plugs in what a running VM has less than `size`, as far as it has room; the guest's kernel has found it when this resolves,
   * and the agent's OnlineCPUMem puts it to use. How large the VM is then: less than was asked for where there was no room.
   * Not to be called while it is under way.
   */
  grow(size: MachineSize): Promise<MachineSize>;
  /** Stops and continues the vCPUs. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** One line about a VM that has ended: how, and what VMM and guest said last. */
  lastWords(): string;
  /** The last lines that the guest's kernel and agent printed, for an error or a log. */
  consoleTail(lines?: number): string;
  stop(): Promise<void>;
}
