import { KataError } from '../../errors/kata-error.ts';

/** By which a pod says otherwise than the configuration. */
const KEY = 'io.katacontainers.config.runtime.sandbox_cgroup_only';
/** As upstream's language reads a boolean. */
const WORDS: Readonly<Record<string, boolean>> = {
  ...{ '1': true, t: true, T: true, true: true, TRUE: true, True: true },
  ...{ '0': false, f: false, F: false, false: false, FALSE: false, False: false },
};

/** `sandbox_cgroup_only` of a sandbox: its annotation's, else the configuration's. */
export function isSandboxCgroupOnly(configured: boolean, annotations: Readonly<Record<string, string>> = {}): boolean {
  const value = annotations[KEY];
  if (value === undefined) return configured;
  const isTrue = Object.hasOwn(WORDS, value) ? WORDS[value] : undefined;
  if (isTrue === undefined)
    throw new KataError('invalid-argument', `annotations['${KEY}']: expected true or false, found '${value}'`);
  return isTrue;
}
