// Which test files a person means.
import fs from 'node:fs';
import path from 'node:path';
import { root } from './paths.mjs';
import { SetupError } from './run.mjs';
import { filesBelow } from './stamp.mjs';

/**
 * @param {string[]} folders Below the checkout.
 * @param {(name: string) => boolean} kind
 * @param {string[]} asked Paths of files, or one word: part of a path, else part of a test's title. None means all.
 * @returns {{ files: string[], title: string }}
 */
export function findTests(folders, kind, asked) {
  const all = folders.flatMap((folder) => filesBelow(path.join(root, folder), kind));
  if (asked.length === 0) return { files: all, title: '' };
  if (asked.every((name) => kind(name) && fs.existsSync(name)))
    return { files: asked.map((name) => path.resolve(name)), title: '' };
  const files = all.filter((file) => asked.some((word) => path.relative(root, file).includes(word)));
  if (files.length > 0) return { files, title: '' };
  if (asked.length > 1) throw new SetupError(`no test file is called like ${asked.join(' or ')}`);
  return { files: all, title: asked[0] ?? '' };
}

/** @typedef {{ passed: number, failed: number }} Counts */

/** @param {Counts[]} counts @returns {Counts} */
export const sum = (counts) => ({
  passed: counts.reduce((n, c) => n + c.passed, 0),
  failed: counts.reduce((n, c) => n + c.failed, 0),
});
