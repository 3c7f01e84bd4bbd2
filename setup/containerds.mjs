// The containerd versions that the shim is tested with. They run as unpacked, and no daemon is installed on the host.
import path from 'node:path';
import { fetchDebs, unpacked } from './private-apt.mjs';

/** @type {{ version: string, suite: import('./private-apt.mjs').Suite }[]} */
const versions = [
  { version: '1.6', suite: 'bookworm' },
  { version: '1.7', suite: 'trixie' },
  { version: '2.1', suite: 'sid' },
];

/** @param {string} version */
const group = (version) => `containerd-${version}`;

/** Fetches them. */
export async function fetchContainerds() {
  for (const { version, suite } of versions) await fetchDebs(suite, group(version), ['containerd']);
}

/**
 * What end-to-end tests find in KATA_TS_CONTAINERDS: JSON, from version to the folder of its containerd, ctr and
 * containerd-shim-runc-v2.
 * @returns {Record<string, string>}
 */
export const containerds = () =>
  Object.fromEntries(
    versions.map(({ version, suite }) => [version, path.join(unpacked(suite, group(version)), 'usr/bin')]),
  );
