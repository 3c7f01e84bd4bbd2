import { KataError } from '../errors/kata-error.ts';

/** Finds by name, by id, or by a beginning that one id alone has. */
export function matchContainer<R extends { id: string; name: string }>(reference: string, records: readonly R[]): R {
  const exact = records.find(({ id, name }) => id === reference || name === reference);
  if (exact !== undefined) return exact;
  const matches = reference === '' ? [] : records.filter(({ id }) => id.startsWith(reference));
  if (matches.length === 1) return matches[0]!;
  if (matches.length === 0)
    throw new KataError('not-found', `there is no container ${JSON.stringify(reference)}`, {
      hint: 'kata-runtime ps -a lists them',
    });
  const found = matches.map(({ id }) => id.slice(0, 12)).join(', ');
  throw new KataError(
    'invalid-argument',
    `${reference} is expected to begin one id, it begins ${matches.length}: ${found}`,
    {
      hint: 'give more of it',
    },
  );
}
