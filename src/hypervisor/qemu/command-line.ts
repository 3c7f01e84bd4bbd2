import type { MachineOptions } from '../hypervisor.ts';
import type { QemuConfig } from './config.ts';
import { type InterfaceBackend, interfaceSlotDevices } from './interface-slots.ts';
import type { Accelerator } from './judge-kvm.ts';
import { kernelParams, needsHpet } from './kernel-params.ts';
import { mostVcpus, plugsVcpus } from './vcpus.ts';
import { ROOT_SLOTS, slotDevices, VOLUME_SLOTS } from './virtio-slots.ts';

/** The agent's virtio-serial port: its name in the guest, and its id in QEMU's events. */
export const AGENT_PORT = { name: 'agent.channel.0', id: 'agent0' } as const;
/** The bus that disks are plugged into. */
export const SCSI_BUS = 'scsi0.0';

/** Descriptors by their numbers in QEMU: ends of connected sockets. */
export interface QemuDescriptors {
  qmp: number;
  console: number;
  /** How the agent is reached: one of the two. */
  agent: { kind: 'serial'; fd: number } | { kind: 'vsock'; vhostFd: number; cid: number };
}

export interface QemuSettings {
  accelerator: Accelerator['name'];
  /** QEMU's `-sandbox`; empty: none. */
  sandbox: string;
  descriptors: QemuDescriptors;
  interfaces: readonly InterfaceBackend[];
  origin: Origin;
  /** As `hostBogoMips` tells it; asked for only where a kernel is started. */
  bogoMips: () => number;
}

/**
 * Where the guest comes from. `boot`: its kernel, in memory of its own. `template`: the same, in a file, to be saved; or
 * one that was saved so, to go on and be saved again. `clone`: a guest that was saved; its memory file is mapped privately, what
 * it changes is its own, unless the file is its own copy, which it may give back in pieces.
 */
export type Origin =
  | { kind: 'boot' }
  | { kind: 'template'; memoryPath: string; isRestored: boolean }
  | { kind: 'clone'; memoryPath: string; ownsMemory: boolean };

/** A value within a list of `key=value,key=value`: a comma is doubled (qemu(1)). */
const quoted = (value: string): string => value.replaceAll(',', ',,');
const list = (...parts: string[]): string => parts.filter((part) => part !== '').join(',');

/** The arguments of QEMU for a machine, the program's name left out. Pure: what exists on the host is not looked at. */
export function commandLine(config: QemuConfig, machine: MachineOptions, settings: QemuSettings): string[] {
  const { accelerator, sandbox, descriptors, interfaces, origin, bogoMips } = settings;
  const kvm = accelerator === 'kvm';
  const hpet = needsHpet(accelerator, mostVcpus(machine, accelerator)) ? '' : 'hpet=off';
  return [
    ...['-name', list(`sandbox-${quoted(machine.sandboxId)}`, 'debug-threads=on')],
    ...['-no-user-config', '-nodefaults', '-nographic', '-no-reboot'],
    ...(sandbox === '' ? [] : ['-sandbox', sandbox]),
    ...['-machine', list('q35', 'memory-backend=memory', ...MACHINE_WITHOUT, hpet, config.machineAccelerators)],
    // Unset, the buffer for translated code takes a quarter of the host's memory, up to 1 GiB, for each VM.
    ...['-accel', kvm ? 'kvm' : `tcg,tb-size=${config.tcgTbSizeMib}`],
    // TCG runs the string instructions that these features stand for byte by byte; without them Linux copies by words.
    ...['-cpu', list(kvm ? 'host' : 'max,erms=off,fsrm=off', config.cpuFeatures)],
    ...['-m', memory(machine), '-object', memoryBackend(machine.memoryMib, origin)],
    ...['-smp', smp(machine, accelerator)],
    ...['-rtc', 'base=utc,clock=host'],
    ...['-chardev', socket('qmp', descriptors.qmp), '-mon', 'chardev=qmp,mode=control'],
    ...['-chardev', socket('console', descriptors.console), '-device', 'isa-serial,chardev=console'],
    ...agentDevices(descriptors.agent),
    ...(config.enableIothreads ? ['-object', 'iothread,id=disks'] : []),
    ...['-device', list('virtio-scsi-pci,id=scsi0', config.enableIothreads ? 'iothread=disks' : '')],
    ...['-object', randomSource(config.entropySource), '-device', 'virtio-rng-pci,rng=random'],
    ...(config.reclaimGuestFreedMemory ? ['-device', BALLOON] : []),
    ...slotDevices(ROOT_SLOTS),
    ...slotDevices(VOLUME_SLOTS),
    ...interfaceSlotDevices(interfaces),
    // SeaBIOS looks for disks and screens that are not there, for 170 ms; this firmware starts the kernel.
    ...['-bios', 'qboot.rom'],
    ...(origin.kind === 'clone' || (origin.kind === 'template' && origin.isRestored)
      ? ['-incoming', 'defer']
      : kernelOf(config, machine, accelerator, bogoMips)),
  ];
}

/** A clone needs none of it: its kernel runs. */
const kernelOf = (
  config: QemuConfig,
  machine: MachineOptions,
  accelerator: Accelerator['name'],
  bogoMips: () => number,
): string[] => [
  ...['-kernel', machine.kernelPath, '-initrd', machine.initrdPath],
  '-append',
  [...kernelParams(accelerator, machine, config.enableDebug, bogoMips), ...machine.kernelParams].join(' '),
];

function memoryBackend(memoryMib: number, origin: Origin): string {
  const size = `id=memory,size=${memoryMib}M`;
  // A memfd takes fewer page faults than anonymous memory (7 % of a boot), and could be shared with other processes.
  if (origin.kind === 'boot') return `memory-backend-memfd,${size},share=on`;
  const share = origin.kind === 'template' || origin.ownsMemory ? 'on' : 'off';
  return `memory-backend-file,${size},mem-path=${quoted(origin.memoryPath)},share=${share}`;
}

/** Parts of a PC that no guest of ours uses and that its kernel would spend time on. */
const MACHINE_WITHOUT = ['graphics=off', 'smbus=off', 'sata=off', 'vmport=off'];

/** The guest tells which pages it has freed; nobody inflates it. */
const BALLOON = 'virtio-balloon-pci,id=balloon0,free-page-reporting=on';

const socket = (id: string, fd: number): string => `socket,id=${id},fd=${fd}`;

/** With room for modules that are plugged in. */
const memory = ({ memoryMib, maxMemoryMib, memorySlots }: MachineOptions): string =>
  list(
    `${memoryMib}M`,
    memorySlots > 0 && maxMemoryMib > memoryMib ? `slots=${memorySlots},maxmem=${maxMemoryMib}M` : '',
  );

/** One vCPU a socket, so that each can be hot-plugged by itself. */
const smp = (machine: MachineOptions, accelerator: Accelerator['name']): string => {
  const most = mostVcpus(machine, accelerator);
  return `cpus=${plugsVcpus(accelerator) ? machine.vcpus : most},maxcpus=${most},sockets=${most},cores=1,threads=1`;
};

const randomSource = (path: string): string =>
  path === '' ? 'rng-builtin,id=random' : `rng-random,id=random,filename=${quoted(path)}`;

function agentDevices(agent: QemuDescriptors['agent']): string[] {
  if (agent.kind === 'vsock')
    return ['-device', `vhost-vsock-pci,id=vsock0,vhostfd=${agent.vhostFd},guest-cid=${agent.cid}`];
  return [
    ...['-chardev', socket('agent', agent.fd)],
    ...['-device', 'virtio-serial-pci,id=serial0,max_ports=2'],
    ...['-device', `virtserialport,bus=serial0.0,chardev=agent,id=${AGENT_PORT.id},name=${AGENT_PORT.name}`],
  ];
}
