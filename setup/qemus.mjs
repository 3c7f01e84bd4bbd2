// The QEMU versions that the runtime is tested with besides the host's. They run as unpacked, with their own C library.
import fs from 'node:fs';
import path from 'node:path';
import { fetchDebs, unpacked } from './private-apt.mjs';
import { writeWhole } from './stamp.mjs';

/** @type {{ version: string, suite: import('./private-apt.mjs').Suite }[]} */
const versions = [
  { version: '10.0', suite: 'trixie' },
  { version: '11', suite: 'sid' },
];

/** @param {string} version */
const group = (version) => `qemu-${version}`;

/**
 * A program that starts an unpacked QEMU. It becomes QEMU (exec), so that whoever started it has QEMU itself for a child.
 * @param {string} folder Laid out as `/`.
 */
const wrapper = (folder) => `#!/bin/sh
usr='${folder}/usr'
exec "$usr/lib64/ld-linux-x86-64.so.2" --library-path "$usr/lib/x86_64-linux-gnu" "$usr/bin/qemu-system-x86_64" \\
  -L "$usr/share/qemu" -L "$usr/share/seabios" "$@"
`;

/** Fetches them. */
export async function fetchQemus() {
  for (const { version, suite } of versions) {
    const { folder } = await fetchDebs(suite, group(version), ['closure:qemu-system-x86']);
    const program = qemus()[version] ?? '';
    const text = wrapper(folder);
    if (!fs.existsSync(program) || fs.readFileSync(program, 'utf8') !== text) writeWhole(program, text, 0o755);
  }
}

/**
 * What end-to-end tests find in KATA_TS_QEMUS: JSON, from version to the program.
 * @returns {Record<string, string>}
 */
export const qemus = () =>
  Object.fromEntries(
    versions.map(({ version, suite }) => [version, path.join(unpacked(suite, group(version)), 'qemu-system-x86_64')]),
  );
