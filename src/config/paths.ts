/** Parts put together to one path, `.` and `..` worked out by name. Symlinks are not looked at. */
export function joinPath(...parts: string[]): string {
  const kept: string[] = [];
  const all = parts.join('/');
  for (const part of all.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && kept.length > 0 && kept.at(-1) !== '..') kept.pop();
    else if (part !== '..' || !all.startsWith('/')) kept.push(part);
  }
  return (all.startsWith('/') ? '/' : '') + kept.join('/');
}
