// A stream that CRI gave the address of (exec, attach, port-forward), over a WebSocket (RFC 6455) with Kubernetes' channels.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { sleep } from '../containerd.ts';

const BINARY = 0x82;
const CLOSE = 0x8;
/** Of the first message on a channel of a port-forward: its port. */
const PORT_BYTES = 2;

export const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;

export class KubeStream {
  /** Resolves when the other side has closed it. */
  readonly closed: Promise<void>;
  /** What each channel has brought. */
  readonly #received = new Map<number, Buffer>();
  readonly #socket: ChildProcess;
  #rest = Buffer.alloc(0);
  #upgraded = false;

  /** Connects from a network namespace. */
  constructor(url: string, netns: string) {
    const { hostname, port, pathname, search } = new URL(url);
    this.#socket = spawn('nsenter', [`--net=/run/netns/${netns}`, 'busybox', 'nc', hostname, port]);
    this.closed = new Promise((resolve) => {
      this.#socket.on('close', () => resolve());
    });
    this.#socket.stdin!.on('error', () => {});
    this.#socket.stdout!.on('data', (chunk) => this.#take(chunk));
    const head = [
      `GET ${pathname}${search} HTTP/1.1`,
      `Host: ${hostname}:${port}`,
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Protocol: v4.channel.k8s.io',
    ];
    this.#socket.stdin!.write(`${head.join('\r\n')}\r\n\r\n`);
  }

  send(channel: number, data: string | Buffer): void {
    const payload = Buffer.concat([Buffer.from([channel]), Buffer.from(data)]);
    const mask = randomBytes(4);
    const length =
      payload.length < 126 ? [0x80 | payload.length] : [0x80 | 126, payload.length >> 8, payload.length & 0xff];
    const masked = payload.map((byte, at) => byte ^ mask[at % 4]!);
    this.#socket.stdin!.write(Buffer.concat([Buffer.from([BINARY, ...length]), mask, masked]));
  }

  resize(columns: number, rows: number): void {
    this.send(CHANNEL.resize, JSON.stringify({ Width: columns, Height: rows }));
  }

  /** What a channel has brought so far; of a port-forward without the port. */
  text(channel: number, isPort = false): string {
    return (this.#received.get(channel) ?? Buffer.alloc(0)).subarray(isPort ? PORT_BYTES : 0).toString();
  }

  /** Waits for a channel to have brought this. */
  async until(channel: number, wanted: RegExp, limitMs = 10_000): Promise<string> {
    for (const start = performance.now(); performance.now() - start < limitMs; await sleep(20))
      if (wanted.test(this.text(channel))) return this.text(channel);
    throw new Error(`${wanted} is expected on channel ${channel}, found ${JSON.stringify(this.text(channel))}`);
  }

  close(): void {
    this.#socket.kill();
  }

  #take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    if (!this.#upgraded) {
      const end = this.#rest.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = this.#rest.subarray(0, end).toString();
      if (!head.startsWith('HTTP/1.1 101')) throw new Error(head);
      this.#upgraded = true;
      this.#rest = this.#rest.subarray(end + 4);
    }
    for (let frame = this.#nextFrame(); frame !== null; frame = this.#nextFrame()) {
      if (frame.opcode === CLOSE) this.close();
      const [channel] = frame.payload;
      if (channel === undefined) continue;
      const before = this.#received.get(channel) ?? Buffer.alloc(0);
      this.#received.set(channel, Buffer.concat([before, frame.payload.subarray(1)]));
    }
  }

  #nextFrame(): { opcode: number; payload: Buffer } | null {
    const bytes = this.#rest;
    if (bytes.length < 2) return null;
    const short = bytes[1]! & 0x7f;
    const head = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (bytes.length < head) return null;
    const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    if (bytes.length < head + length) return null;
    this.#rest = bytes.subarray(head + length);
    return { opcode: bytes[0]! & 0xf, payload: bytes.subarray(head, head + length) };
  }
}
