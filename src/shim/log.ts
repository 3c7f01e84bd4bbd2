import { syscall } from 'sys';
import { close, O, open } from '../os/fd.ts';
import { wallClockNs } from '../os/timer.ts';
import { utf8Encode } from '../os/utf8.ts';
import { NR } from '../syscall/numbers.ts';

export type LogLevel = 'debug' | 'info' | 'warning' | 'error';

/**
 * The shim's log: logfmt lines into `log` of the bundle, a FIFO that containerd reads (shim v2, "Logging") or a plain
 * file. Nobody reading, or reading too slowly, costs lines, never time.
 */
export class ShimLog {
  debugEnabled: boolean;
  readonly #fields: string;
  #fd: number;

  constructor(path: string, fields: Readonly<Record<string, string>>, debugEnabled: boolean) {
    this.debugEnabled = debugEnabled;
    this.#fields = Object.entries(fields)
      .map(([key, value]) => ` ${key}=${quote(value)}`)
      .join('');
    try {
      // Open both ways, so that neither opening nor writing needs a reader to be there.
      this.#fd = open(path, O.RDWR | O.NONBLOCK | O.APPEND);
    } catch {
      this.#fd = -1;
    }
  }

  write(level: LogLevel, message: string): void {
    if (this.#fd < 0 || (level === 'debug' && !this.debugEnabled)) return;
    const time = new Date(Number(wallClockNs() / 1_000_000n)).toISOString();
    const line = utf8Encode(`time="${time}" level=${level} msg=${quote(message)}${this.#fields}\n`);
    syscall(NR.write, this.#fd, line, line.length);
  }

  debug(message: string): void {
    this.write('debug', message);
  }
  info(message: string): void {
    this.write('info', message);
  }
  warning(message: string): void {
    this.write('warning', message);
  }
  error(message: string): void {
    this.write('error', message);
  }

  close(): void {
    close(this.#fd);
    this.#fd = -1;
  }
}

function quote(value: string): string {
  return /^[\w./:@-]+$/.test(value) ? value : JSON.stringify(value);
}
