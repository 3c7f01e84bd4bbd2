import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { check, ERRNO } from '../../os/errno.ts';
import { close, O, read } from '../../os/fd.ts';
import { NR } from '../../syscall/numbers.ts';
import type { Cgroup } from './cgroup.ts';

const IN_MODIFY = 2;
/** Bytes of a `struct inotify_event` without a name: wd, mask, cookie, len. */
const EVENT_SIZE = 16;

interface Watched {
  containerId: string;
  cgroup: Cgroup;
  kills: bigint;
}

/**
 * Hears of containers in which the kernel ended a process for want of memory. One inotify descriptor watches the
 * `memory.events` of all of them.
 */
export class OomWatcher {
  readonly #listener: (containerId: string) => void;
  readonly #watched = new Map<number, Watched>();
  #fd = -1;

  /** `listener` is called for every container whose count has grown, once for what one look finds. */
  constructor(listener: (containerId: string) => void) {
    this.#listener = listener;
  }

  /** Watches a container from now on. A kernel without the memory controller tells nothing. */
  add(containerId: string, cgroup: Cgroup): void {
    this.#start();
    const path = `${cgroup.path}/memory.events`;
    const watch = syscall(NR.inotify_add_watch, this.#fd, path, IN_MODIFY);
    if (watch === -ERRNO.ENOENT) return;
    check(watch, `watch ${path}`);
    this.#watched.set(watch, { containerId, cgroup, kills: cgroup.oomKills() });
  }

  /** Looks once more, so that the news of its end never comes before that of the reason; then forgets it if `last`. */
  look(containerId: string, last = false): void {
    for (const [watch, watched] of this.#watched) {
      if (watched.containerId !== containerId) continue;
      this.#look(watched);
      if (!last) continue;
      this.#watched.delete(watch);
      syscall(NR.inotify_rm_watch, this.#fd, watch);
    }
  }

  close(): void {
    close(this.#fd);
    this.#fd = -1;
    this.#watched.clear();
  }

  #start(): void {
    if (this.#fd >= 0) return;
    this.#fd = check(syscall(NR.inotify_init1, O.NONBLOCK | O.CLOEXEC), 'create an inotify descriptor');
    void this.#run(this.#fd);
  }

  #look(watched: Watched): void {
    const kills = watched.cgroup.oomKills();
    if (kills > watched.kills) this.#listener(watched.containerId);
    watched.kills = kills;
  }

  async #run(fd: number): Promise<void> {
    const buffer = new Uint8Array(4096);
    const view = new DataView(buffer.buffer);
    try {
      for (;;) {
        const length = await read(fd, buffer);
        const watches = new Set<number>();
        for (let at = 0; at < length; at += EVENT_SIZE + view.getUint32(at + 12, true))
          watches.add(view.getInt32(at, true));
        for (const watch of watches) {
          const watched = this.#watched.get(watch);
          if (watched !== undefined) this.#look(watched);
        }
      }
    } catch (error) {
      if (!(error instanceof KataError && error.code === 'cancelled')) throw error;
    }
  }
}
