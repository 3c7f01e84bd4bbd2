// The containerd versions that the shim is tested with: the host's, and two newer ones that run as unpacked.
import path from 'node:path';
import { fetchDebs, unpacked } from './private-apt.mjs';

/** @type {{ version: string, suite: import('./private-apt.mjs').Suite }[]} */
const newer = [
  { version: '1.7', suite: 'trixie' },
  { version: '2.1', suite: 'sid' },
];

/** @param {string} version */
const group = (version) => `containerd-${version}`;

/** Fetches the newer ones. */
export async function fetchContainerds() {
  for (const { version, suite } of newer) await fetchDebs(suite, group(version), ['containerd']);
}

/**
 * What end-to-end tests find in KATA_TS_CONTAINERDS: JSON, from version to the folder of its containerd, ctr and
 * containerd-shim-runc-v2.
 * @returns {Record<string, string>}
 */
export const containerds = () => ({
  1.6: '/usr/bin',
  ...Object.fromEntries(
    newer.map(({ version, suite }) => [version, path.join(unpacked(suite, group(version)), 'usr/bin')]),
  ),
});
