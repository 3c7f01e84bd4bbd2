import { KataError } from '../../errors/kata-error.ts';

const PATTERN = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
/** The longest name of a file. */
const MAX_LENGTH = 255;

/**
 * Checks a container's id, which becomes a folder's name: at least two letters, digits, `_`, `.` or `-`, the first a
 * letter or a digit. So it is neither a path nor hidden. Throws `invalid-argument`.
 */
export function checkContainerId(id: string): void {
  if (id.length <= MAX_LENGTH && PATTERN.test(id)) return;
  throw new KataError(
    'invalid-argument',
    `a container id is expected to match ${PATTERN.source} and to have at most ${MAX_LENGTH} characters, found ${JSON.stringify(id.slice(0, 300))}`,
  );
}
