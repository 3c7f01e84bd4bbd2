import { matchId } from './match-id.ts';

/** Finds by name, by id, or by a beginning that one id alone has. */
export function matchContainer<R extends { id: string; name: string }>(reference: string, records: readonly R[]): R {
  const named = records.find(({ name }) => name !== '' && name === reference);
  return named ?? matchId(reference, records, { what: 'container', hint: 'kata-runtime ps -a lists them' });
}
