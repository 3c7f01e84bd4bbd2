import { monotonicMs } from '../os/timer.ts';

/** The moments of a start, in their usual order. */
export type Mark =
  | 'shim-started'
  | 'vm-spawned'
  | 'root-image-ready'
  | 'guest-up'
  | 'agent-up'
  | 'root-attached'
  | 'vm-grown'
  | 'container-created'
  | 'process-started'
  | 'process-exited';

/** When what happened, for `--timeline`. A moment is marked once; later marks of the same name are ignored. */
export class Timeline {
  readonly #marks = new Map<Mark, number>();

  mark(name: Mark): void {
    if (!this.#marks.has(name)) this.#marks.set(name, monotonicMs());
  }

  /** Milliseconds of the host's monotonic clock (CLOCK_MONOTONIC), by mark. */
  toJSON(): Record<string, number> {
    return Object.fromEntries(this.#marks);
  }
}
