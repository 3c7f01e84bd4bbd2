import { KataError } from '../../errors/kata-error.ts';
import { SIGNAL, SignalReader } from '../../os/signal.ts';

const SIGUSR2 = 12;
/** So many Ctrl-C, and a process that does not heed them is killed. */
const PATIENCE = 3;

/** Where a signal for us goes, once a process runs. */
export interface SignalTarget {
  signal(number: number): void;
  resize(): void;
  /** For a process that heeds no SIGINT and no SIGTERM. */
  kill(): void;
}

/**
 * The signals that a person or another program sends us: before there is a process they end what is under way, then
 * they are the process's.
 */
export class UserSignals {
  /** Rejects with `cancelled` when a signal came before there was a process; the signal's number is `signal`. */
  readonly interrupted: Promise<never>;
  /** The signal that interrupted; 0 when none did. */
  signal = 0;
  readonly #reader: SignalReader;
  #target: SignalTarget | undefined;
  #interrupt!: (error: KataError) => void;
  #asked = 0;

  constructor() {
    this.interrupted = new Promise((_, reject) => {
      this.#interrupt = reject;
    });
    this.interrupted.catch(() => {});
    this.#reader = new SignalReader([
      SIGNAL.HUP,
      SIGNAL.INT,
      SIGNAL.QUIT,
      SIGNAL.USR1,
      SIGUSR2,
      SIGNAL.TERM,
      SIGNAL.WINCH,
    ]);
    void this.#run();
  }

  /** From now on signals are the process's. */
  forwardTo(target: SignalTarget): void {
    this.#target = target;
  }

  close(): void {
    this.#reader.close();
  }

  async #run(): Promise<void> {
    for (;;) {
      let signal: number;
      try {
        signal = await this.#reader.next();
      } catch {
        // Closed.
        return;
      }
      this.#take(signal);
    }
  }

  #take(signal: number): void {
    if (signal === SIGNAL.WINCH) {
      this.#target?.resize();
      return;
    }
    if (this.#target === undefined) {
      if (signal === SIGNAL.USR1 || signal === SIGUSR2) return;
      this.signal ||= signal;
      this.#interrupt(new KataError('cancelled', `ended by signal ${signal}`));
      return;
    }
    if (signal === SIGNAL.INT || signal === SIGNAL.TERM) this.#asked++;
    if (this.#asked >= PATIENCE) this.#target.kill();
    else this.#target.signal(signal);
  }
}
