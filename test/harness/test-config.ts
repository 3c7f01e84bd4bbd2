import fs from 'node:fs';
import path from 'node:path';

const shipped = path.resolve('dist/share/defaults/kata-containers/configuration.toml');

/** The shipped configuration with some keys changed: `{ kernel: '"/nowhere"' }`. The path of the new file, in `folder`. */
export function testConfig(folder: string, changes: Record<string, string>): string {
  const guest = path.resolve(path.dirname(shipped), '../../kata-containers');
  let text = fs.readFileSync(shipped, 'utf8').replaceAll('"../../kata-containers/', `"${guest}/`);
  for (const [key, value] of Object.entries(changes)) {
    const line = new RegExp(`^${key} = .*$`, 'm');
    if (!line.test(text)) throw new Error(`the shipped configuration has no key ${key}`);
    text = text.replace(line, () => `${key} = ${value}`);
  }
  const file = path.join(fs.mkdtempSync(path.join(folder, 'config-')), 'configuration.toml');
  fs.writeFileSync(file, text);
  return file;
}
