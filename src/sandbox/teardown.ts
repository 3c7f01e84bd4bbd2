import { KataError } from '../errors/kata-error.ts';

interface Step {
  name: string;
  undo: () => void | Promise<void>;
}

/**
 * What must be undone, gathered while something is set up. `run` undoes it, the last first, goes on past a step that
 * fails, and reports each failure; a second `run` waits for the first one and finds nothing left to do.
 */
export class Teardown {
  readonly #steps: Step[] = [];
  readonly #report: (message: string) => void;
  #running: Promise<void> = Promise.resolve();

  constructor(report: (message: string) => void) {
    this.#report = report;
  }

  add(name: string, undo: () => void | Promise<void>): void {
    this.#steps.push({ name, undo });
  }

  run(): Promise<void> {
    this.#running = this.#running.then(() => this.#undoAll());
    return this.#running;
  }

  async #undoAll(): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.undo();
      } catch (error) {
        this.#report(`${step.name}: ${KataError.from(error).line}`);
      }
    }
  }
}
