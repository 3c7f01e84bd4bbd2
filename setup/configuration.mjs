// configuration.toml as shipped, with the paths of where it is installed.
import fs from 'node:fs';
import path from 'node:path';
import { root } from './paths.mjs';
import { writeWhole } from './stamp.mjs';

const template = path.join(root, 'config/configuration.toml.in');

/** Where it stands below the prefix. */
export const configurationFile = 'share/defaults/kata-containers/configuration.toml';

/**
 * Writes the configuration below a prefix, if it is another than is there.
 * @param {string} prefix `/opt/kata`, or `dist`. Takes the place of `@PREFIX@`.
 */
export function writeConfiguration(prefix) {
  if (!fs.existsSync(template)) return;
  const text = fs.readFileSync(template, 'utf8').replaceAll('@PREFIX@', prefix);
  const file = path.join(prefix, configurationFile);
  if (!fs.existsSync(file) || fs.readFileSync(file, 'utf8') !== text) writeWhole(file, text);
}
