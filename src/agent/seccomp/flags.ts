import { KataError } from '../../errors/kata-error.ts';

/** Flags of seccomp(2), SECCOMP_SET_MODE_FILTER (linux/seccomp.h). */
const FLAGS: Readonly<Record<string, number>> = {
  SECCOMP_FILTER_FLAG_LOG: 1 << 1,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 1 << 2,
  // A process that loads a filter has one thread here: there is nothing to synchronise.
  SECCOMP_FILTER_FLAG_TSYNC: 0,
  // The kernel takes it only with a listener, and listeners are refused.
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 0,
};

/** A profile's flags as the argument of seccomp(2). Throws `invalid-argument` for an unknown name. */
export function filterFlags(names: readonly string[]): number {
  let flags = 0;
  for (const name of names) {
    if (!Object.hasOwn(FLAGS, name))
      throw new KataError(
        'invalid-argument',
        `linux.seccomp.flags: expected one of ${Object.keys(FLAGS).join(', ')}, found '${name}'`,
        {
          hint: 'correct the seccomp profile',
        },
      );
    flags |= FLAGS[name]!;
  }
  return flags;
}
