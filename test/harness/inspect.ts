const MAX_DEPTH = 6;
const MAX_ITEMS = 100;

/** A value as a person reads it in a failed assertion: JavaScript's own notation, cut where it grows too long. */
export function inspect(value: unknown, depth = 0, seen: readonly unknown[] = []): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'symbol') return value.toString();
  if (typeof value === 'function') return `[function ${value.name || 'anonymous'}]`;
  if (Object.is(value, -0)) return '-0';
  if (typeof value !== 'object' || value === null) return String(value);
  if (seen.includes(value)) return '[circular]';
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (value instanceof RegExp || value instanceof Date) return String(value);
  if (value instanceof ArrayBuffer) return `ArrayBuffer ${inspect(new Uint8Array(value), depth, seen)}`;
  const name = Object.getPrototypeOf(value)?.constructor?.name ?? 'null-prototype';
  if (depth >= MAX_DEPTH) return `[${name}]`;
  const inner = (v: unknown) => inspect(v, depth + 1, [...seen, value]);
  const list = (items: string[]) =>
    items.length > MAX_ITEMS ? [...items.slice(0, MAX_ITEMS), `… ${items.length} in all`] : items;
  if (value instanceof Map) return `Map {${list([...value].map(([k, v]) => `${inner(k)} => ${inner(v)}`)).join(', ')}}`;
  if (value instanceof Set) return `Set {${list([...value].map(inner)).join(', ')}}`;
  if (Array.isArray(value)) return `[${list(value.map(inner)).join(', ')}]`;
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    const items = Array.from(value as unknown as ArrayLike<unknown>, inner);
    return `${name} [${list(items).join(', ')}]`;
  }
  const fields = Object.entries(value).map(([k, v]) => `${/^[\w$]+$/.test(k) ? k : JSON.stringify(k)}: ${inner(v)}`);
  return `${name === 'Object' ? '' : `${name} `}{${list(fields).join(', ')}}`;
}
