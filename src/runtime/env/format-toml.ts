type Scalar = string | number | boolean | readonly string[];

/**
 * Nested records as TOML, as Go's encoder writes them: the plain values of a table first, then its tables, each two blanks
 * further in.
 */
export function formatToml(record: object): string {
  return Object.entries(record)
    .map(([name, table]) => tableText(name, table as object, 0))
    .join('\n');
}

function tableText(path: string, table: object, depth: number): string {
  const indent = '  '.repeat(depth);
  const entries = Object.entries(table) as [string, Scalar | object][];
  const isTable = (value: Scalar | object): boolean => typeof value === 'object' && !Array.isArray(value);
  const plain = entries
    .filter(([, value]) => !isTable(value))
    .map(([key, value]) => `${indent}  ${key} = ${scalar(value as Scalar)}\n`);
  const tables = entries
    .filter(([, value]) => isTable(value))
    .map(([key, value]) => tableText(`${path}.${key}`, value as object, depth + 1));
  return `${indent}[${path}]\n${plain.join('')}${tables.join('')}`;
}

/** JSON's escapes are TOML's, but for the slash, which JSON.stringify leaves alone, and DEL. */
function scalar(value: Scalar): string {
  if (Array.isArray(value)) return `[${value.map((each: string) => scalar(each)).join(', ')}]`;
  return typeof value === 'string' ? JSON.stringify(value).replaceAll('\x7f', '\\u007F') : String(value);
}
