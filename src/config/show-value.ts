const LIMIT = 100;

const plainInteger = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

/** A value of a key in a message, of bounded length. */
export function showValue(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Date) return 'a date';
  const json = JSON.stringify(value, plainInteger);
  return json.length > LIMIT ? `${json.slice(0, LIMIT)}…` : json;
}

/** Whether two values of a key are the same, whatever kind of number they are. */
export function sameValue(one: unknown, other: unknown): boolean {
  return JSON.stringify(one, asText) === JSON.stringify(other, asText);
}

const asText = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' || typeof value === 'number' ? String(value) : value;
