import type { SandboxLog } from './sandbox-log.ts';

/** A log whose reader comes later, with the sandbox that gets the VM: until then nobody hears. */
export class RelayLog implements SandboxLog {
  #target: SandboxLog | undefined;

  /** Tells `target` from now on. */
  to(target: SandboxLog): void {
    this.#target = target;
  }

  debug(message: string): void {
    this.#target?.debug(message);
  }

  info(message: string): void {
    this.#target?.info(message);
  }

  warning(message: string): void {
    this.#target?.warning(message);
  }

  error(message: string): void {
    this.#target?.error(message);
  }
}
