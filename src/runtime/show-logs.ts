import { KataError } from '../errors/kata-error.ts';
import { close, O, open, readSync } from '../os/fd.ts';
import { exists, readFile } from '../os/file.ts';
import { IN, Inotify } from '../os/inotify.ts';
import { waitForExit } from './container-exit.ts';
import { type ContainerRecord, logFiles, shortId } from './container-store.ts';
import { lastLinesStart } from './last-lines.ts';
import { put } from './output.ts';
import { findShim } from './shim-client.ts';

const CHUNK_BYTES = 262144;

export interface LogOptions {
  /** Go on until the container ends. */
  follow: boolean;
  /** So many lines of each stream at most; undefined: all. */
  tail: number | undefined;
}

/** One of a container's streams: what is kept of it goes to our own stream of the same number. */
class KeptStream {
  readonly path: string;
  readonly #target: 1 | 2;
  readonly #buffer = new Uint8Array(CHUNK_BYTES);
  #fd: number;

  constructor(path: string, target: 1 | 2) {
    this.path = path;
    this.#target = target;
    this.#fd = open(path, O.RDONLY);
  }

  /** Shows what came since the last call. */
  show(): void {
    for (;;) {
      const count = readSync(this.#fd, this.#buffer);
      if (count === 0) return;
      put(this.#target, this.#buffer.subarray(0, count));
    }
  }

  /** Shows the last lines that are there now. */
  showTail(lines: number): void {
    const bytes = readFile(`/proc/self/fd/${this.#fd}`);
    put(this.#target, bytes.subarray(lastLinesStart(bytes, lines)));
    // What was shown is passed over.
    for (let left = bytes.length; left > 0; )
      left -= readSync(this.#fd, this.#buffer.subarray(0, Math.min(left, this.#buffer.length))) || left;
  }

  close(): void {
    close(this.#fd);
    this.#fd = -1;
  }
}

/** Shows what a container put out: its standard output on ours, its standard error on ours. */
export async function showLogs(record: ContainerRecord, { follow, tail }: LogOptions): Promise<void> {
  const { stdout, stderr } = logFiles(record.id);
  const targets = [
    [stdout, 1],
    [stderr, 2],
  ] as const;
  const streams = targets.filter(([path]) => exists(path)).map(([path, target]) => new KeptStream(path, target));
  if (streams.length === 0 && record.autoRemove && !record.detached)
    throw new KataError('failed-precondition', `nothing is kept of what ${shortId(record.id)} puts out`, {
      hint: 'it runs with --rm in the foreground: its output is where it was started',
    });
  try {
    for (const stream of streams) tail === undefined ? stream.show() : stream.showTail(tail);
    if (follow) await followStreams(record, streams);
  } finally {
    for (const stream of streams) stream.close();
  }
}

async function followStreams(record: ContainerRecord, streams: readonly KeptStream[]): Promise<void> {
  const shim = record.exit === undefined ? await findShim(record.id) : null;
  if (shim === null) return;
  const changes = new Inotify();
  try {
    for (const stream of streams) changes.add(stream.path, IN.MODIFY);
    const ended = waitForExit(shim, record.id).then(() => 'ended' as const);
    for (let change: 'ended' | 'more' = 'more'; change === 'more'; ) {
      // Shown after the watch began: nothing falls between.
      for (const stream of streams) stream.show();
      change = await Promise.race([ended, changes.next().then(() => 'more' as const)]);
    }
    for (const stream of streams) stream.show();
  } finally {
    changes.close();
    shim.close();
  }
}
