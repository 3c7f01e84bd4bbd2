import { KataError } from '../../errors/kata-error.ts';

/** What nobody has asked for is kept up to this many; then the oldest goes. */
const MAX_WAITING = 256;

/** The contexts of calls, as far as this needs them. */
interface Caller {
  readonly cancelled: Promise<void>;
  readonly isCancelled: boolean;
}

/** Containers that ran out of memory, handed to whoever polls, one by one, none twice. */
export class OomEvents {
  readonly #waiting: string[] = [];
  #takers: ((wake: 'event' | 'closed') => void)[] = [];

  /** A container ran out of memory. */
  add(containerId: string): void {
    this.#waiting.push(containerId);
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift();
    this.#takers.shift()?.('event');
  }

  /** The next container; waits for one. `cancelled` when the caller goes, `unavailable` when the sandbox does. */
  async next(caller: Caller): Promise<string> {
    while (this.#waiting.length === 0) {
      let taker: ((wake: 'event' | 'closed') => void) | undefined;
      const woken = new Promise<'event' | 'closed'>((resolve) => {
        taker = resolve;
        this.#takers.push(resolve);
      });
      const wake = await Promise.race([woken, caller.cancelled]);
      if (wake === 'closed') throw new KataError('unavailable', 'the sandbox is gone');
      if (caller.isCancelled) {
        this.#takers = this.#takers.filter((other) => other !== taker);
        // It may have been woken for an event that it leaves to the next.
        if (this.#waiting.length > 0) this.#takers.shift()?.('event');
        throw new KataError('cancelled', 'the connection of the caller is gone');
      }
    }
    return this.#waiting.shift()!;
  }

  /** Ends every wait and forgets what is waiting. */
  close(): void {
    this.#waiting.length = 0;
    for (const taker of this.#takers.splice(0)) taker('closed');
  }
}
