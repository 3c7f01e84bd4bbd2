import type { ByteStream } from '../../os/byte-stream.ts';
import type { ProcessImage } from '../../os/checkpoint/image.ts';
import { close, O, open } from '../../os/fd.ts';
import { FdStream } from '../../os/fd-stream.ts';
import { socketPair } from '../../os/socket.ts';
import type { MachineOptions, Tap } from '../hypervisor.ts';
import { type AgentChannel, openAgentChannel, openSerialChannel } from './agent-channel.ts';
import { copyMemory, emptyMemory } from './clone-memory.ts';
import { commandLine, type Origin } from './command-line.ts';
import type { QemuConfig } from './config.ts';
import type { ConsoleRing } from './console-ring.ts';
import { hostBogoMips } from './host-bogo-mips.ts';
import { INTERFACE_SLOTS, type InterfaceBackend } from './interface-slots.ts';
import { nothingToReceive, privateTaps } from './interface-taps.ts';
import type { Accelerator } from './judge-kvm.ts';
import { LineCapture } from './line-capture.ts';
import { openVhostNet } from './vhost-net.ts';
import { VmmProcess } from './vmm-process.ts';

export interface LaunchOptions {
  /** Of the QEMU binary. */
  path: string;
  config: QemuConfig;
  machine: MachineOptions;
  accelerator: Accelerator['name'];
  /** QEMU's `-sandbox`; empty: none. */
  sandbox: string;
  console: ConsoleRing;
  origin: Origin;
  /** A clone whose QEMU was saved with its guest. */
  saved: { image: ProcessImage; pagesPath: string; memoryPath: string } | null;
  /** The guest's network interfaces, slot by slot. */
  taps: readonly Tap[];
  /** Slots without one get a tap that leads nowhere: their devices are saved so, or another one is put in its place later. */
  fillsSlots: boolean;
  /** One line for the log. */
  log: (message: string) => void;
}

/** A QEMU that was just spawned, and our ends of its sockets. */
export interface Launched {
  vmm: VmmProcess;
  /** To be spoken QMP over. */
  monitor: ByteStream;
  console: LineCapture;
  channel: AgentChannel;
  /** Where a clone reads the state of its devices; the other end has the number `INCOMING_FD` in QEMU. */
  incoming: FdStream | null;
}

/** Where QEMU finds its ends, behind standard input, output and error. */
const FD = { qmp: 3, console: 4, agent: 5, incoming: 6, memory: 7, taps: 8, vhosts: 8 + INTERFACE_SLOTS } as const;
export const INCOMING_FD = FD.incoming;
/** Where the tap of a slot is in QEMU. */
export const tapDescriptor = (slot: number): number => FD.taps + slot;
const SLOTS = Array.from({ length: INTERFACE_SLOTS }, (_, slot) => slot);
/** What a QEMU that was saved is started with again. */
export const GIVEN_DESCRIPTORS: readonly number[] = [
  ...[0, 1, 2, FD.qmp, FD.console, FD.agent],
  ...SLOTS.map(tapDescriptor),
];

/**
 * Spawns QEMU with connected sockets as descriptors: no path that somebody else could open, nothing to wait for, nothing
 * to remove. On failure nothing is left.
 */
export function launch(options: LaunchOptions): Launched {
  const ours: (() => void)[] = [];
  const theirs: number[] = [];
  try {
    // A vsock would have the address of the template's; the port is a stream like any other.
    const channel = options.origin.kind === 'boot' ? openAgentChannel() : openSerialChannel();
    ours.push(channel.close);
    theirs.push(channel.fd);
    const [qmpFd, theirQmp] = socketPair();
    const monitor = new FdStream(qmpFd);
    ours.push(() => monitor.close());
    theirs.push(theirQmp);
    const [consoleFd, theirConsole] = socketPair();
    const console = new LineCapture(consoleFd, options.console);
    ours.push(() => console.close());
    theirs.push(theirConsole);
    let incoming: FdStream | null = null;
    const descriptors = new Map<number, number>([
      [FD.qmp, theirQmp],
      [FD.console, theirConsole],
      [FD.agent, channel.fd],
    ]);
    if (readsState(options)) {
      const [incomingFd, theirIncoming] = socketPair();
      const stream = new FdStream(incomingFd);
      incoming = stream;
      ours.push(() => stream.close());
      theirs.push(theirIncoming);
      descriptors.set(FD.incoming, theirIncoming);
    }
    const interfaces = placeTaps(options, descriptors, theirs);
    const memory = ownMemory(options);
    if (memory !== null) {
      theirs.push(memory.fd);
      descriptors.set(FD.memory, memory.fd);
    }
    const args = commandLine(options.config, options.machine, {
      accelerator: options.accelerator,
      sandbox: options.sandbox,
      descriptors: { qmp: FD.qmp, console: FD.console, agent: channel.qemuEnd(FD.agent) },
      interfaces,
      origin: memory?.origin ?? options.origin,
      bogoMips: hostBogoMips,
    });
    return { vmm: startVmm(options, args, descriptors), monitor, console, channel, incoming };
  } catch (error) {
    for (const release of ours) release();
    throw error;
  } finally {
    for (const fd of theirs) close(fd);
  }
}

/** Whether QEMU is told the state of its devices. */
const readsState = ({ origin, saved }: LaunchOptions): boolean =>
  saved === null && (origin.kind === 'clone' || (origin.kind === 'template' && origin.isRestored));

/** Puts what is behind each slot among QEMU's descriptors; what was opened for it is added to `opened`. */
function placeTaps(options: LaunchOptions, descriptors: Map<number, number>, opened: number[]): InterfaceBackend[] {
  const { taps, origin, fillsSlots } = options;
  const stopgaps = stopgapsFor(options);
  const vhosts = vhostsFor(options);
  opened.push(...stopgaps, ...vhosts);
  return SLOTS.map((slot) => {
    const tap = taps[slot];
    descriptors.set(FD.taps + slot, tap?.fd ?? stopgaps[slot]!);
    if (vhosts[slot] !== undefined) descriptors.set(FD.vhosts + slot, vhosts[slot]);
    return {
      fd: FD.taps + slot,
      kind: tap !== undefined || fillsSlots ? 'tap' : 'nothing',
      vhostFd: vhosts[slot] === undefined ? null : FD.vhosts + slot,
      ...(tap !== undefined && origin.kind === 'boot' ? { macAddress: tap.macAddress } : {}),
    };
  });
}

/** What stands behind the slots that have no tap: one that leads nowhere, or, in a QEMU that only believes so, nothing. */
function stopgapsFor({ taps, saved, fillsSlots }: LaunchOptions): number[] {
  if (taps.length === INTERFACE_SLOTS) return [];
  return saved === null && fillsSlots ? privateTaps() : SLOTS.map(nothingToReceive);
}

/** One for each tap, if any can be had. A QEMU that is saved cannot have them, nor can one that was. */
function vhostsFor({ taps, saved, origin, config, log }: LaunchOptions): number[] {
  if (taps.length === 0 || saved !== null || origin.kind === 'template' || config.disableVhostNet) return [];
  const opened: number[] = [];
  for (const _ of taps) {
    const vhost = openVhostNet();
    if ('missing' in vhost) {
      log(vhost.missing);
      break;
    }
    opened.push(vhost.fd);
  }
  return opened;
}

/**
 * What a clone that gives memory back maps instead of the template's: QEMU makes holes into the file behind what the guest
 * has freed. A saved QEMU needs no copy (`startVmm`).
 */
function ownMemory({ origin, saved, config }: LaunchOptions): { fd: number; origin: Origin } | null {
  if (origin.kind !== 'clone' || saved !== null || !config.reclaimGuestFreedMemory) return null;
  const fd = copyMemory(origin.memoryPath);
  return { fd, origin: { kind: 'clone', memoryPath: `/proc/self/fd/${FD.memory}`, ownsMemory: true } };
}

function startVmm(
  { path, saved, config, origin, accelerator }: LaunchOptions,
  args: readonly string[],
  descriptors: ReadonlyMap<number, number>,
): VmmProcess {
  const isToBeSaved = origin.kind === 'template' && accelerator === 'tcg';
  if (saved === null) return new VmmProcess(path, args, descriptors, null, isToBeSaved);
  const { image, pagesPath, memoryPath } = saved;
  const opened: number[] = [];
  const opening = (fd: number): number => {
    opened.push(fd);
    return fd;
  };
  try {
    const files = new Map(descriptors);
    files.set(image.descriptors.pages, opening(open(pagesPath, O.RDONLY)));
    files.set(image.descriptors.memory, opening(open(memoryPath, O.RDONLY)));
    // QEMU makes its holes into this one; what is mapped is the other, privately, and it drops its own copies of that.
    if (config.reclaimGuestFreedMemory) files.set(image.descriptors.spare, opening(emptyMemory(memoryPath)));
    return new VmmProcess(path, args, files, { image, pagesPath }, false);
  } finally {
    for (const fd of opened) close(fd);
  }
}
