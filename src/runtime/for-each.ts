import { KataError } from '../errors/kata-error.ts';
import type { RuntimeContext } from './context.ts';
import { STATUS } from './exit-status.ts';
import { complain } from './output.ts';

/** Does `work` for every name that a person gave; one that fails is told, and does not keep the others. */
export async function forEach(
  context: RuntimeContext,
  names: readonly string[],
  work: (name: string) => Promise<void>,
): Promise<void> {
  for (const name of names) {
    try {
      await work(name);
    } catch (error) {
      complain(KataError.from(error).line);
      context.exitStatus = STATUS.failed;
    }
  }
}
