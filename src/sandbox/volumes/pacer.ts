import { sleep } from '../../os/timer.ts';

/** A change that is followed by another one within this time is copied with that one. */
const PAUSE_MS = 100;

/**
 * Repeats an action as often as it is asked for, but one at a time, and with a pause after each: however many changes
 * there are in a second, ten of them are followed, and the last one always is.
 */
export class Pacer {
  readonly #action: () => Promise<void>;
  #wanted = false;
  #running = false;
  #stopped = false;

  constructor(action: () => Promise<void>) {
    this.#action = action;
  }

  ask(): void {
    this.#wanted = true;
    if (!this.#running) void this.#run();
  }

  stop(): void {
    this.#stopped = true;
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#wanted && !this.#stopped) {
      this.#wanted = false;
      await this.#action();
      await sleep(PAUSE_MS);
    }
    this.#running = false;
  }
}
