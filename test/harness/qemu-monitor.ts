// QEMU's monitor protocol, as little of it as a test needs.
import type net from 'node:net';
import readline from 'node:readline';

type Answer = { return?: unknown; error?: { desc: string }; event?: string };

/** A connection to QEMU's monitor. */
export class Monitor {
  readonly #socket: net.Socket;
  readonly #answers: AsyncIterator<string>;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    this.#answers = readline.createInterface({ input: socket })[Symbol.asyncIterator]();
  }

  static async over(socket: net.Socket): Promise<Monitor> {
    const monitor = new Monitor(socket);
    await monitor.execute('qmp_capabilities');
    return monitor;
  }

  /** Runs a command; its answer. */
  async execute(command: string, args: Record<string, unknown> = {}): Promise<unknown> {
    this.#socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    for (;;) {
      const { value, done } = await this.#answers.next();
      if (done) throw new Error(`QEMU's monitor hung up at ${command}`);
      const answer = JSON.parse(value) as Answer;
      if (answer.error) throw new Error(`${command}: ${answer.error.desc}`);
      if ('return' in answer) return answer.return;
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}
