/**
 * The line, from 1, where a TOML text sets a key: `section` is dotted, empty for the top. Undefined when the key is set
 * in a way that a scan by lines doesn't see (an inline table). The parser has positions for syntax errors only.
 */
export function lineOfKey(toml: string, section: string, key: string): number | undefined {
  let current = '';
  for (const [index, line] of toml.split('\n').entries()) {
    const header = /^\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$/.exec(line);
    if (header !== null) {
      current = dotted(header[1]!);
      if (current === (section === '' ? key : `${section}.${key}`)) return index + 1;
      continue;
    }
    const assignment = /^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=/.exec(line);
    if (assignment === null) continue;
    const path = current === '' ? dotted(assignment[1]!) : `${current}.${dotted(assignment[1]!)}`;
    if (path === (section === '' ? key : `${section}.${key}`)) return index + 1;
  }
  return undefined;
}

function dotted(name: string): string {
  return name
    .split('.')
    .map((part) => part.trim().replace(/^["'](.*)["']$/, '$1'))
    .join('.');
}
