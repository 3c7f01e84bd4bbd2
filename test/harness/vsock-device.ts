// A vsock device in user space, so that a guest has vsock where the host's kernel has no vhost-vsock.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connectHybridVsock } from '../../src/hypervisor/hybrid-vsock.ts';
import type { ByteStream } from '../../src/os/byte-stream.ts';
import { socketStream } from './socket-stream.ts';

const { program = '' }: { program?: string } = JSON.parse(process.env.KATA_TS_VSOCK ?? '{}');

/** vhost-device-vsock, for one VM. The host's side is a hybrid vsock, as Firecracker's. */
export class VsockDevice {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'kata-ts-vsock-'));
  readonly #process: ChildProcess;
  #stderr = '';

  private constructor(cid: number) {
    const args = ['--guest-cid', String(cid), '--socket', this.#at('vhost'), '--uds-path', this.#at('vsock')];
    this.#process = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process.stderr?.on('data', (chunk) => {
      this.#stderr += chunk;
    });
  }

  /** A device for the guest with the address `cid`. */
  static async start(cid: number): Promise<VsockDevice> {
    assert.ok(existsSync(program), 'vhost-device-vsock is expected in KATA_TS_VSOCK');
    const device = new VsockDevice(cid);
    for (let waitedMs = 0; !existsSync(device.#at('vhost')); waitedMs += 10) {
      assert.ok(waitedMs < 10_000 && device.#process.exitCode === null, `no vsock device: ${device.#stderr}`);
      await sleep(10);
    }
    return device;
  }

  #at(name: string): string {
    return path.join(this.#folder, name);
  }

  /** What QEMU needs to have it: memory that another process can map, and the device. */
  qemuArguments(memoryMib: number): string[] {
    return [
      ...['-object', `memory-backend-memfd,id=memory,size=${memoryMib}M,share=on`, '-machine', 'memory-backend=memory'],
      ...['-chardev', `socket,id=vsock,path=${this.#at('vhost')}`, '-device', 'vhost-user-vsock-pci,chardev=vsock'],
    ];
  }

  /**
   * A connection to a port of the guest. Version 0.3.0 of the device is at odds with itself when it is asked before the
   * guest's driver is there, so the guest has to listen.
   */
  async connect(port: number): Promise<ByteStream> {
    const socket = net.connect(this.#at('vsock'));
    try {
      await once(socket, 'connect');
      const stream = socketStream(socket);
      await connectHybridVsock(stream, port);
      return stream;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  async close(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = once(this.#process, 'exit');
      this.#process.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
