import { KataError } from '../../errors/kata-error.ts';

/** Runs one step of setting up a container; its name goes before the message of what it throws. */
export function step<T>(name: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw KataError.wrap(error, name);
  }
}
