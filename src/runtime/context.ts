import type { CommandContext } from '@stricli/core';
import type { GlobalOptions } from './global-options.ts';

/** What every command is given as `this`. */
export interface RuntimeContext extends CommandContext {
  readonly global: GlobalOptions;
  /** When kata-runtime began, by the monotonic clock. */
  readonly sinceMs: number;
  /** The exit status of a command that did not throw. */
  exitStatus: number;
}
