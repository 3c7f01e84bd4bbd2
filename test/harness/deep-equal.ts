type Keyed = Record<PropertyKey, unknown>;

const ownKeys = (value: object) =>
  Reflect.ownKeys(value).filter((key) => Object.prototype.propertyIsEnumerable.call(value, key));

/**
 * Where two values first differ, as a path (`.a[0]`), or null when they are equal. Strict, as `deepEqual` of
 * `node:assert/strict`: same prototype, `Object.is` for what is no object, own enumerable properties, and the content of
 * maps, sets, dates, regular expressions, errors and buffers.
 */
export function difference(a: unknown, b: unknown, path = '', seen: readonly [unknown, unknown][] = []): string | null {
  if (Object.is(a, b)) return null;
  const here = path === '' ? 'the whole value' : path;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return here;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return here;
  if (seen.some(([x, y]) => x === a && y === b)) return null;
  const inside: [unknown, unknown][] = [...seen, [a, b]];
  if (a instanceof Date && b instanceof Date && !Object.is(a.getTime(), b.getTime())) return here;
  if (a instanceof RegExp && b instanceof RegExp && String(a) !== String(b)) return here;
  if (a instanceof Error && b instanceof Error && (a.name !== b.name || a.message !== b.message)) return here;
  if (a instanceof ArrayBuffer && b instanceof ArrayBuffer)
    return difference(new Uint8Array(a), new Uint8Array(b), path, inside);
  if (a instanceof Map && b instanceof Map) return mapDifference(a, b, here, inside);
  if (a instanceof Set && b instanceof Set) return setDifference(a, b, here, inside);
  if (Array.isArray(a) && a.length !== (b as unknown[]).length) return `${path}.length`;
  const keys = ownKeys(a);
  if (keys.length !== ownKeys(b).length) return here;
  for (const key of keys) {
    const at = `${path}${Array.isArray(a) || ArrayBuffer.isView(a) ? `[${String(key)}]` : `.${String(key)}`}`;
    if (!Object.hasOwn(b, key)) return at;
    const found = difference((a as Keyed)[key], (b as Keyed)[key], at, inside);
    if (found !== null) return found;
  }
  return null;
}

function mapDifference(
  a: Map<unknown, unknown>,
  b: Map<unknown, unknown>,
  here: string,
  seen: readonly [unknown, unknown][],
): string | null {
  if (a.size !== b.size) return here;
  for (const [key, value] of a) {
    const other = b.has(key) ? key : [...b.keys()].find((k) => typeof k === 'object' && difference(key, k) === null);
    if (other === undefined && !b.has(undefined)) return here;
    const found = difference(value, b.get(other), `${here}.get(${String(key)})`, seen);
    if (found !== null) return found;
  }
  return null;
}

function setDifference(
  a: Set<unknown>,
  b: Set<unknown>,
  here: string,
  seen: readonly [unknown, unknown][],
): string | null {
  if (a.size !== b.size) return here;
  const rest = new Set(b);
  for (const item of a) {
    const other = rest.has(item) ? item : [...rest].find((x) => difference(item, x, '', seen) === null);
    if (!rest.delete(other)) return here;
  }
  return null;
}
