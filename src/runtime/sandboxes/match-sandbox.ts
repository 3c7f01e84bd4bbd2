import { matchId } from '../match-id.ts';
import type { Sandbox } from './read-sandboxes.ts';

/** What a person goes by. */
export type Named = Pick<Sandbox, 'id' | 'name'> & { record: { containers: readonly { id: string }[] } | null };

const NAMES = { what: 'sandbox', hint: 'kata-runtime list shows them' };

/**
 * Finds by id, by the beginning of an id, by the name of a pod (with or without its namespace) or container, or by a container
 * in the sandbox. `not-found`, or `invalid-argument` with the ids of all that are meant.
 */
export function matchSandbox<S extends Named>(reference: string, sandboxes: readonly S[]): S {
  const exact = sandboxes.find(({ id }) => id === reference);
  if (exact !== undefined) return exact;
  const named = sandboxes.filter(({ name }) => name !== '' && (name === reference || name.endsWith(`/${reference}`)));
  // Pods of one name in several namespaces look the same from here: their ids tell them apart.
  if (named.length > 0)
    return matchId(
      reference,
      named.map((sandbox) => ({ id: named.length === 1 ? reference : `${reference}: ${sandbox.id}`, sandbox })),
      NAMES,
    ).sandbox;
  const leading = sandboxes.flatMap((sandbox) => {
    const ids = [sandbox.id, ...(sandbox.record?.containers ?? []).map(({ id }) => id)];
    const id = ids.find((each) => reference !== '' && each.startsWith(reference));
    return id === undefined ? [] : [{ id, sandbox }];
  });
  return matchId(reference, leading, NAMES).sandbox;
}
