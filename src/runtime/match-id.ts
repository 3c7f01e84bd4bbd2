import { KataError } from '../errors/kata-error.ts';

/** Characters of an id that are shown, more where ids differ only behind them. */
const SHOWN = 12;

/**
 * Finds by id, or by a beginning that one id alone has. `not-found`, or `invalid-argument` with all that begin so; `hint`
 * says what lists them.
 */
export function matchId<R extends { id: string }>(
  reference: string,
  records: readonly R[],
  { what, hint }: { what: string; hint: string },
): R {
  const exact = records.find(({ id }) => id === reference);
  if (exact !== undefined) return exact;
  const matches = reference === '' ? [] : records.filter(({ id }) => id.startsWith(reference));
  if (matches.length === 1) return matches[0]!;
  if (matches.length === 0)
    throw new KataError('not-found', `there is no ${what} ${JSON.stringify(reference)}`, { hint });
  const found = shortened(matches.map(({ id }) => id)).join(', ');
  throw new KataError(
    'invalid-argument',
    `${reference} is expected to begin the id of one ${what}, it begins ${matches.length}: ${found}`,
    { hint: 'give more of it' },
  );
}

/** So much of each id that no two look alike. */
function shortened(ids: readonly string[]): string[] {
  for (let length = SHOWN; ; length += SHOWN) {
    const cut = ids.map((id) => id.slice(0, length));
    if (new Set(cut).size === cut.length) return cut;
  }
}
