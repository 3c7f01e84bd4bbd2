// configuration.toml as shipped. Its paths are relative to itself, so it is the same wherever it is installed.
import fs from 'node:fs';
import path from 'node:path';
import { dist, root } from './paths.mjs';
import { writeWhole } from './stamp.mjs';

/** Puts the configuration into `dist/`, if it is another than is there. */
export function copyConfiguration() {
  const text = fs.readFileSync(path.join(root, 'config/configuration.toml'), 'utf8');
  const file = path.join(dist, 'share/defaults/kata-containers/configuration.toml');
  if (!fs.existsSync(file) || fs.readFileSync(file, 'utf8') !== text) writeWhole(file, text);
}
