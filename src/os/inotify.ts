import { syscall } from 'sys';
import { NR } from '../syscall/numbers.ts';
import { check, ERRNO } from './errno.ts';
import { close, O, read } from './fd.ts';
import { decodeInotifyEvents, type InotifyEvent } from './inotify-event.ts';

/** What can happen to a file or in a folder (inotify(7)). */
export const IN = {
  ACCESS: 0x1,
  MODIFY: 0x2,
  ATTRIB: 0x4,
  CLOSE_WRITE: 0x8,
  CLOSE_NOWRITE: 0x10,
  OPEN: 0x20,
  MOVED_FROM: 0x40,
  MOVED_TO: 0x80,
  CREATE: 0x100,
  DELETE: 0x200,
  DELETE_SELF: 0x400,
  MOVE_SELF: 0x800,
  /** Events were lost; `watch` is -1. */
  Q_OVERFLOW: 0x4000,
  /** The watch is gone: removed, or its file is. */
  IGNORED: 0x8000,
  ONLYDIR: 0x1000000,
  DONT_FOLLOW: 0x2000000,
  /** The event is about a folder. */
  ISDIR: 0x40000000,
} as const;

/** Watches files and folders (inotify(7)). */
export class Inotify {
  readonly #fd: number;
  readonly #buffer = new Uint8Array(65536);

  constructor() {
    this.#fd = check(syscall(NR.inotify_init1, O.NONBLOCK | O.CLOEXEC), 'create an inotify descriptor');
  }

  /** Watches `path` for `mask`, a combination of `IN`; the number of the watch. A file watched already is watched anew. */
  add(path: string, mask: number): number {
    const hint = 'raise /proc/sys/fs/inotify/max_user_watches if this is ENOSPC';
    return check(syscall(NR.inotify_add_watch, this.#fd, path, mask), `watch ${path}`, hint);
  }

  /** Ends a watch; one that is gone already is fine. */
  remove(watch: number): void {
    const result = syscall(NR.inotify_rm_watch, this.#fd, watch);
    if (result !== -ERRNO.EINVAL) check(result, `end watch ${watch}`);
  }

  /** The next events, at least one. Throws `cancelled` once closed. */
  async next(): Promise<InotifyEvent[]> {
    const length = await read(this.#fd, this.#buffer);
    return decodeInotifyEvents(this.#buffer.subarray(0, length));
  }

  close(): void {
    close(this.#fd);
  }
}
