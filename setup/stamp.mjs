// What was made of what: a step is done again only when its inputs changed.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { build, root } from './paths.mjs';

const stamps = path.join(build, 'stamps');

/**
 * Puts a file in its place whole or not at all.
 * @param {string} file
 * @param {Uint8Array | string} content
 * @param {number} [mode]
 */
export function writeWhole(file, content, mode = 0o644) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  fs.writeFileSync(temporary, content, { mode });
  fs.chmodSync(temporary, mode);
  fs.renameSync(temporary, file);
}

/**
 * The files below a folder, sorted, so that a hash of them is the same everywhere.
 * @param {string} folder
 * @param {(name: string) => boolean} wanted
 * @returns {string[]} Absolute paths.
 */
export function filesBelow(folder, wanted) {
  if (!fs.existsSync(folder)) return [];
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && wanted(entry.name))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}

/**
 * @param {(string | { file: string })[]} parts Texts, and files by their content.
 * @returns {string} Hexadecimal.
 */
export function hashOf(parts) {
  const hash = createHash('sha256');
  for (const part of parts) {
    const content = typeof part === 'string' ? part : fs.readFileSync(part.file);
    hash
      .update(`${typeof part === 'string' ? '' : path.relative(root, part.file)}\0${content.length}\0`)
      .update(content);
  }
  return hash.digest('hex');
}

/**
 * Does `work` unless it was done with this key and what it made is still there.
 * @param {string} name One stamp's name.
 * @param {string} key A hash of all inputs.
 * @param {string[]} outputs Paths.
 * @param {() => Promise<unknown>} work
 * @returns {Promise<boolean>} Whether it had to be done.
 */
export async function unlessDone(name, key, outputs, work) {
  const file = path.join(stamps, name);
  if (fs.existsSync(file) && fs.readFileSync(file, 'utf8') === key && outputs.every((o) => fs.existsSync(o)))
    return false;
  fs.rmSync(file, { force: true });
  await work();
  writeWhole(file, key);
  return true;
}
