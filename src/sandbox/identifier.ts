import { KataError } from '../errors/kata-error.ts';

/** containerd's rule for the ids of containers (containerd, `pkg/identifiers`), a little wider: `_`, `.` and `-` may come in rows. */
const IDENTIFIER = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;
const MAX_CHARACTERS = 128;

export function isIdentifier(id: string): boolean {
  return id.length <= MAX_CHARACTERS && IDENTIFIER.test(id);
}

/**
 * The id of a sandbox, a container or an exec, which becomes part of paths on the host and in the guest: `..` or a slash
 * in it would lead elsewhere. Throws `invalid-argument`; `what` says whose id it is.
 */
export function checkIdentifier(what: string, id: string): string {
  if (isIdentifier(id)) return id;
  throw new KataError(
    'invalid-argument',
    `the id of ${what} is expected to be at most ${MAX_CHARACTERS} letters, digits, _, . and -, the first a letter or a digit, found ${JSON.stringify(id.slice(0, 2 * MAX_CHARACTERS))}`,
  );
}
