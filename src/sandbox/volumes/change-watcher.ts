import { KataError } from '../../errors/kata-error.ts';
import { IN, Inotify } from '../../os/inotify.ts';

/** Watches files and folders of the host for a sandbox: with one inotify descriptor, made when the first is watched. */
export class ChangeWatcher {
  readonly #report: (message: string) => void;
  #inotify: Inotify | undefined;
  /** By the number of the watch; one inode watched twice has one number. */
  readonly #callbacks = new Map<number, Set<() => void>>();

  constructor(report: (message: string) => void) {
    this.#report = report;
  }

  /** Calls `changed` at every event of `mask`; the result ends that. What cannot be watched is reported, and never changes. */
  watch(path: string, mask: number, changed: () => void): () => void {
    try {
      const inotify = this.#open();
      const watch = inotify.add(path, mask);
      const callbacks = this.#callbacks.get(watch) ?? new Set();
      this.#callbacks.set(watch, callbacks);
      callbacks.add(changed);
      return () => {
        callbacks.delete(changed);
        if (callbacks.size > 0 || this.#callbacks.get(watch) !== callbacks) return;
        this.#callbacks.delete(watch);
        this.#inotify?.remove(watch);
      };
    } catch (error) {
      this.#report(`changes of ${path} are not followed: ${KataError.from(error).line}`);
      return () => {};
    }
  }

  /** Idempotent. */
  close(): void {
    this.#inotify?.close();
    this.#inotify = undefined;
    this.#callbacks.clear();
  }

  #open(): Inotify {
    if (this.#inotify === undefined) {
      this.#inotify = new Inotify();
      void this.#listen(this.#inotify);
    }
    return this.#inotify;
  }

  async #listen(inotify: Inotify): Promise<void> {
    for (;;) {
      try {
        for (const { watch, mask } of await inotify.next()) {
          if ((mask & IN.Q_OVERFLOW) !== 0) for (const all of this.#callbacks.values()) for (const each of all) each();
          if ((mask & IN.IGNORED) !== 0) this.#callbacks.delete(watch);
          else for (const changed of this.#callbacks.get(watch) ?? []) changed();
        }
      } catch (error) {
        if (KataError.from(error).code !== 'cancelled')
          this.#report(`changes of volumes are not followed any more: ${KataError.from(error).line}`);
        return;
      }
    }
  }
}
