/** A flag without a value. */
export const toggle = (brief: string) => ({ kind: 'boolean', optional: true, withNegated: false, brief }) as const;

/** A flag with a value; undefined when it is not given. */
export const text = (brief: string, placeholder: string) =>
  ({ kind: 'parsed', parse: String, optional: true, brief, placeholder }) as const;

/** A flag that may be given often. */
export const texts = (brief: string, placeholder: string) =>
  ({ kind: 'parsed', parse: String, optional: true, variadic: true, brief, placeholder }) as const;

/** A flag whose value is read by `parse`, which throws `invalid-argument`. */
export const parsed = <T>(parse: (text: string) => T, brief: string, placeholder: string) =>
  ({ kind: 'parsed', parse, optional: true, brief, placeholder }) as const;

/** How a list is printed. */
export const format = {
  kind: 'enum',
  values: ['table', 'json'],
  optional: true,
  brief: 'How to print it: a table, or JSON',
} as const;

/** A whole number of at least 0. */
export function parseCount(value: string): number {
  if (/^\d{1,9}$/.test(value)) return Number(value);
  throw new Error(`a whole number is expected, found ${JSON.stringify(value)}`);
}
