import type { ResidentRuntime } from './resident-runtime.ts';
import { RUN_NAME } from './run-name.ts';

/** How many are ended at once. */
const ENDING = 4;

/** The containers of one runtime that run just now. `close` ends them all, by their ids. */
export class Population {
  readonly runtime: ResidentRuntime;
  readonly ids = new Set<string>();
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
    this.ids.add(id);
    const { tookMs } = await this.runtime.start(id);
    return { id, tookMs };
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
}
