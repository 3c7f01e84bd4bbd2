// A guest with our agent as its init, in a real QEMU, spoken to without any runtime between.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ByteStream } from '../../src/os/byte-stream.ts';
import { AgentServiceDefinition } from '../../src/protocols/gen/agent.ts';
import { AgentExtensionDefinition } from '../../src/protocols/gen/agent-extension.ts';
import { HealthDefinition } from '../../src/protocols/gen/health.ts';
import { createClient, TtrpcClient } from '../../src/ttrpc/client.ts';
import { Monitor } from './qemu-monitor.ts';
import { socketStream } from './socket-stream.ts';

const share = path.resolve('dist/share/kata-containers');
const kernel = process.env.KATA_TS_KERNEL ?? path.join(share, 'vmlinux.container');
const initrd = process.env.KATA_TS_INITRD ?? path.join(share, 'kata-containers-initrd.img');

/** How long a guest may take to answer, on a machine that does other things as well. */
const BOOT_TIMEOUT_MS = 60_000;

export interface VmOptions {
  /** More words for the kernel's command line. */
  append?: string;
  memoryMib?: number;
  vcpus?: string;
  /** Whether there is a port for the agent. Default: yes. */
  hasPort?: boolean;
  /** More files of the guest: an archive that its kernel unpacks over the initrd. */
  archive?: Uint8Array;
  /** More arguments for QEMU. */
  devices?: string[];
}

async function connect(socketPath: string, alive: () => boolean): Promise<net.Socket> {
  for (const deadline = Date.now() + BOOT_TIMEOUT_MS; ; ) {
    const socket = net.connect(socketPath);
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      if (Date.now() > deadline || !alive()) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

/** A running guest. */
export class AgentVm {
  readonly folder: string;
  readonly qemu: ChildProcess;
  #client: TtrpcClient | undefined;
  #monitor: Monitor | undefined;
  #stderr = '';

  private constructor({ append = '', memoryMib = 512, vcpus = '1', hasPort = true, archive, devices = [] }: VmOptions) {
    this.folder = mkdtempSync(path.join(tmpdir(), 'kata-ts-agent-'));
    const at = (name: string): string => path.join(this.folder, name);
    const whole = archive === undefined ? initrd : at('initrd');
    if (archive !== undefined) writeFileSync(whole, Buffer.concat([readFileSync(initrd), archive]));
    const words = 'console=ttyS0 quiet panic=-1 tsc=reliable no_timer_check rcupdate.rcu_expedited=1 cryptomgr.notests';
    const args = [
      ...['-no-user-config', '-nodefaults', '-nographic', '-no-reboot'],
      ...['-machine', 'q35,graphics=off,smbus=off,sata=off,hpet=off', '-accel', 'tcg,tb-size=64'],
      ...['-cpu', 'max,erms=off,fsrm=off', '-bios', 'qboot.rom', '-m', `${memoryMib}M`, '-smp', vcpus],
      ...['-chardev', `socket,id=agent,path=${at('agent')},server=on,wait=off`],
      ...['-device', 'virtio-serial-pci,id=serial0'],
      ...(hasPort ? ['-device', 'virtserialport,bus=serial0.0,chardev=agent,name=agent.channel.0'] : []),
      ...['-chardev', `socket,id=qmp,path=${at('qmp')},server=on,wait=off`, '-mon', 'chardev=qmp,mode=control'],
      ...['-chardev', `file,id=console,path=${at('console')}`, '-device', 'isa-serial,chardev=console'],
      ...['-device', 'virtio-scsi-pci,id=scsi0', ...devices],
      ...['-kernel', kernel, '-initrd', whole, '-append', `${words} random.trust_cpu=on ${append}`],
    ];
    this.qemu = spawn('qemu-system-x86_64', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.qemu.stderr?.on('data', (chunk) => {
      this.#stderr += chunk;
    });
  }

  /** Starts a guest, whatever becomes of it. */
  static start(options: VmOptions = {}): AgentVm {
    return new AgentVm(options);
  }

  /** Boots a guest and waits until its agent answers. */
  static async boot(options: VmOptions = {}): Promise<AgentVm> {
    const vm = new AgentVm(options);
    try {
      await vm.connect();
      await vm.health.check({ service: '' }, { timeoutMs: BOOT_TIMEOUT_MS });
      return vm;
    } catch (error) {
      await vm.close();
      throw new Error(`the guest did not come up: ${vm.#stderr}\n${vm.lastConsole}`, { cause: error });
    }
  }

  get running(): boolean {
    return this.qemu.exitCode === null && this.qemu.signalCode === null;
  }

  /** Connects to the agent's port. There must be no connection. */
  async connect(): Promise<void> {
    const socket = await connect(path.join(this.folder, 'agent'), () => this.running);
    this.#client = new TtrpcClient(socketStream(socket), 'the agent');
  }

  /** From now on the agent is spoken to over `stream`, a connection by another way than the port. */
  speakOver(stream: ByteStream): void {
    this.#client = new TtrpcClient(stream, 'the agent');
  }

  /** Hangs up, and waits until the agent has seen it, which it logs: `agent.log=debug` brings that to the console. */
  async hangUp(): Promise<void> {
    const sessions = this.#endedSessions;
    this.#client?.close();
    await this.#client?.closed;
    this.#client = undefined;
    await this.#untilSessionsEnded(sessions + 1);
  }

  /** Sends bytes that no client would, hangs up, and waits until the agent has seen it. There must be no connection. */
  async sendRaw(bytes: Uint8Array): Promise<void> {
    const sessions = this.#endedSessions;
    const socket = await connect(path.join(this.folder, 'agent'), () => this.running);
    socket.resume();
    await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
    socket.destroy();
    await this.#untilSessionsEnded(sessions + 1);
  }

  get #endedSessions(): number {
    return this.console.match(/the host left the agent port|a session of the agent port ended/g)?.length ?? 0;
  }

  async #untilSessionsEnded(count: number): Promise<void> {
    for (const deadline = Date.now() + BOOT_TIMEOUT_MS; this.#endedSessions < count; ) {
      assert.ok(Date.now() < deadline, `the agent did not see that we hung up:\n${this.lastConsole}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  get client(): TtrpcClient {
    assert.ok(this.#client);
    return this.#client;
  }

  get agent() {
    return createClient(AgentServiceDefinition, this.client);
  }

  get health() {
    return createClient(HealthDefinition, this.client);
  }

  get extension() {
    return createClient(AgentExtensionDefinition, this.client);
  }

  /** QEMU's monitor. */
  async monitor(): Promise<Monitor> {
    this.#monitor ??= await Monitor.over(await connect(path.join(this.folder, 'qmp'), () => this.running));
    return this.#monitor;
  }

  /** Plugs in an image as SCSI disk 0:`lun`. */
  async plugDisk(image: string, lun: number, readOnly = true): Promise<void> {
    const monitor = await this.monitor();
    const file = { driver: 'file', filename: image };
    await monitor.execute('blockdev-add', { driver: 'raw', 'node-name': `n${lun}`, 'read-only': readOnly, file });
    const place = { bus: 'scsi0.0', 'scsi-id': 0, lun };
    await monitor.execute('device_add', { driver: 'scsi-hd', id: `d${lun}`, drive: `n${lun}`, ...place });
  }

  /** What the guest wrote to its console. */
  get console(): string {
    return readFileSync(path.join(this.folder, 'console'), 'utf8');
  }

  /** Resolves when the guest has written `text` to its console. */
  async said(text: string): Promise<void> {
    for (const deadline = Date.now() + BOOT_TIMEOUT_MS; ; await new Promise((resolve) => setTimeout(resolve, 10))) {
      if (existsSync(path.join(this.folder, 'console')) && this.console.includes(text)) return;
      assert.ok(this.running && Date.now() < deadline, `${text} is expected of the guest: ${this.#stderr}`);
    }
  }

  get lastConsole(): string {
    return this.console.split('\n').slice(-30).join('\n');
  }

  /** Resolves when the guest has ended by itself. */
  async ended(): Promise<void> {
    if (this.running) await once(this.qemu, 'exit');
  }

  async close(): Promise<void> {
    this.#client?.close();
    this.#monitor?.close();
    if (this.running) {
      const ended = once(this.qemu, 'exit');
      this.qemu.kill('SIGKILL');
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
