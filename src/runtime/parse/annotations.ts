import { KataError } from '../../errors/kata-error.ts';

/** The annotations that flags give, `NAME=VALUE` each; the last of one name counts. Undefined when there is none. */
export function annotationsOf(flags: readonly string[] | undefined): Record<string, string> | undefined {
  if (flags === undefined || flags.length === 0) return undefined;
  const annotations: Record<string, string> = {};
  for (const flag of flags) {
    const equals = flag.indexOf('=');
    if (equals < 1)
      throw new KataError(
        'invalid-argument',
        `--annotation is expected to be NAME=VALUE, found ${JSON.stringify(flag)}`,
      );
    annotations[flag.slice(0, equals)] = flag.slice(equals + 1);
  }
  return annotations;
}
