import type { ByteStream } from '../../os/byte-stream.ts';
import { close } from '../../os/fd.ts';
import { FdStream } from '../../os/fd-stream.ts';
import { socketPair } from '../../os/socket.ts';
import type { MachineOptions } from '../hypervisor.ts';
import { type AgentChannel, openAgentChannel } from './agent-channel.ts';
import { commandLine } from './command-line.ts';
import type { QemuConfig } from './config.ts';
import type { ConsoleRing } from './console-ring.ts';
import type { Accelerator } from './judge-kvm.ts';
import { LineCapture } from './line-capture.ts';
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
}

/** A QEMU that was just spawned, and our ends of its sockets. */
export interface Launched {
  vmm: VmmProcess;
  /** To be spoken QMP over. */
  monitor: ByteStream;
  console: LineCapture;
  channel: AgentChannel;
}

/** Where QEMU finds its ends, behind standard input, output and error. */
const FD = { qmp: 3, console: 4, agent: 5 } as const;

/**
 * Spawns QEMU with connected sockets as descriptors: no path that somebody else could open, nothing to wait for, nothing
 * to remove. On failure nothing is left.
 */
export function launch(options: LaunchOptions): Launched {
  const ours: (() => void)[] = [];
  const theirs: number[] = [];
  try {
    const channel = openAgentChannel();
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
    const args = commandLine(options.config, options.machine, {
      accelerator: options.accelerator,
      sandbox: options.sandbox,
      descriptors: { qmp: FD.qmp, console: FD.console, agent: channel.qemuEnd(FD.agent) },
    });
    const descriptors = new Map([
      [FD.qmp, theirQmp],
      [FD.console, theirConsole],
      [FD.agent, channel.fd],
    ]);
    return { vmm: new VmmProcess(options.path, args, descriptors), monitor, console, channel };
  } catch (error) {
    for (const release of ours) release();
    throw error;
  } finally {
    for (const fd of theirs) close(fd);
  }
}
