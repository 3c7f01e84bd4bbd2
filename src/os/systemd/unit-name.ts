import { KataError } from '../../errors/kata-error.ts';

const SLICE = '.slice';
/** The characters of a unit's name, and how long it may be (systemd.unit(5)). */
const UNIT_NAME = /^[A-Za-z0-9:_.\\@-]{1,255}$/;

/**
 * Where a slice's cgroup is, by its name (systemd.slice(5)): `/a.slice/a-b.slice` for `a-b.slice`, nothing for `-.slice`.
 * Throws `invalid-argument` for a name that is none of a slice.
 */
export function slicePath(slice: string): string {
  if (slice === `-${SLICE}`) return '';
  const name = slice.slice(0, -SLICE.length);
  const parts = name.split('-');
  if (!slice.endsWith(SLICE) || !UNIT_NAME.test(slice) || parts.includes(''))
    throw new KataError('invalid-argument', `a slice like kubepods-burstable.slice is expected, found ${slice}`);
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('-')}${SLICE}`).join('');
}

/** The name, if a unit may have it; else `invalid-argument`. */
export function checkUnitName(name: string): string {
  if (UNIT_NAME.test(name)) return name;
  throw new KataError(
    'invalid-argument',
    `a unit's name of at most 255 letters, digits and :-_.\\@ is expected, found ${JSON.stringify(name)}`,
  );
}
