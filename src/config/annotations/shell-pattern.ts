/**
 * Whether a shell pattern matches a whole path: `*` and `?` stand for anything but a slash, `[a-z]` and `[^a-z]` for one
 * character, a backslash takes the next one as it is. A pattern that is malformed matches nothing.
 */
export function matchesPattern(pattern: string, path: string): boolean {
  return toExpression(pattern)?.test(path) ?? false;
}

function toExpression(pattern: string): RegExp | null {
  let text = '';
  for (let at = 0; at < pattern.length; at++) {
    const letter = pattern[at]!;
    if (letter === '*') text += '[^/]*';
    else if (letter === '?') text += '[^/]';
    else if (letter === '[') {
      const end = pattern.indexOf(']', at + 2);
      if (end < 0) return null;
      const body = pattern.slice(at + 1, end);
      const negated = body.startsWith('^') || body.startsWith('!');
      const letters = (negated ? body.slice(1) : body).replaceAll(/[\\\]^[]/g, '\\$&');
      text += negated ? `[^/${letters}]` : `(?!/)[${letters}]`;
      at = end;
    } else if (letter === '\\') {
      at++;
      if (at === pattern.length) return null;
      text += escaped(pattern[at]!);
    } else text += escaped(letter);
  }
  try {
    return new RegExp(`^${text}$`, 'su');
  } catch {
    return null;
  }
}

const escaped = (letter: string): string => letter.replace(/[.*+?^${}()|[\]\\/]/, '\\$&');

/** Whether a path is absolute and has neither `.` nor `..` nor an empty part, which a pattern would take for a name. */
export function isPlainPath(path: string): boolean {
  return path.startsWith('/') && !/\/(?:\.{0,2})(?:\/|$)/.test(path) && !path.includes('\0');
}
