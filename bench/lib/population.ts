import type { ResidentRuntime } from './resident-runtime.ts';
import { RUN_NAME } from './run-name.ts';

/** How many are ended at once. */
const ENDING = 4;

/** The containers of one runtime that run just now. `close` ends them all, by their ids. */
export class Population {
  readonly runtime: ResidentRuntime;
  readonly ids = new Set<string>();
  readonly #starting = new Set<Promise<unknown>>();
  #isRetired = false;
  #counter = 0;

  constructor(runtime: ResidentRuntime) {
    this.runtime = runtime;
  }

  newId(): string {
    return `${RUN_NAME}-${this.runtime.name.replaceAll(/\W+/g, '')}-${++this.#counter}`;
  }

  /** Starts one more; how long that took. One whose start failed is ended too. */
  async add(): Promise<{ id: string; tookMs: number }> {
    const id = this.newId();
    const { tookMs } = await this.#unlessRetired(() => {
      this.ids.add(id);
      return this.runtime.start(id);
    });
    return { id, tookMs };
  }

  /** Runs one more to its end, which is at once. */
  async runOnce(): Promise<void> {
    await this.#unlessRetired(() => this.runtime.runOnce(this.newId()));
  }

  /** What starts a container. Once nobody measures any more nothing is started, and whoever waits for it waits for ever. */
  async #unlessRetired<T>(start: () => Promise<T>): Promise<T> {
    if (!this.#isRetired) {
      const starting = start();
      this.#starting.add(starting);
      try {
        const started = await starting;
        if (!this.#isRetired) return started;
      } catch (error) {
        if (!this.#isRetired) throw error;
      } finally {
        this.#starting.delete(starting);
      }
    }
    return new Promise(() => {});
  }

  async end(ids: readonly string[]): Promise<void> {
    const left = [...ids];
    const worker = async (): Promise<void> => {
      for (let id = left.shift(); id !== undefined; id = left.shift()) {
        this.ids.delete(id);
        await this.runtime.end(id).catch((error: Error) => {
          // What never came to be cannot be ended, and need not be.
          if (this.runtime.processes([id]).size > 0) console.log(`NOT ENDED: ${id}: ${error.message}`);
        });
      }
    };
    await Promise.all(Array.from({ length: ENDING }, worker));
  }

  async close(): Promise<void> {
    await this.end([...this.ids]);
  }

  /** Closes it for good, in the middle of whatever measurement. */
  async retire(): Promise<void> {
    this.#isRetired = true;
    await Promise.allSettled(this.#starting);
    await this.close();
  }
}
