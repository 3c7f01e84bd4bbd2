/** What is asked of an ended process to decide whether it can be forgotten. */
export interface Ended {
  /** Whether the host knows how it ended and has all its output. */
  readonly consumed: boolean;
}

/** So many that are told of completely are kept, for a host that asks twice. */
const KEEP_CONSUMED = 64;
/** So many are kept at all, for a host that never asks. */
const KEEP_ALL = 256;

/**
 * Execs that have ended, oldest first. A container that is probed every few seconds for weeks must not fill the
 * agent's memory, and nobody tells the agent when an exec is done with.
 */
export class EndedExecs {
  readonly #ended = new Map<string, Ended>();

  add(execId: string, process: Ended): void {
    this.#ended.set(execId, process);
  }

  /** The ids of those to forget now; they are forgotten here. */
  takeSurplus(): string[] {
    const surplus: string[] = [];
    for (const [execId, process] of this.#ended) {
      if (this.#ended.size <= KEEP_CONSUMED) break;
      if (!process.consumed && this.#ended.size <= KEEP_ALL) continue;
      this.#ended.delete(execId);
      surplus.push(execId);
    }
    return surplus;
  }
}
