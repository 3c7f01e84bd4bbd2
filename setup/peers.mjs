// The runtimes that kata-ts is measured against. They run as unpacked, and nothing is installed on the host.
import path from 'node:path';
import { fetchDebs, unpacked } from './private-apt.mjs';

/**
 * runsc is linked statically; runc needs the host's C library and libseccomp, so it is that of Debian 12.
 * @type {{ name: string, suite: import('./private-apt.mjs').Suite, program: string }[]}
 */
const known = [
  { name: 'runc', suite: 'bookworm', program: 'usr/sbin/runc' },
  { name: 'runsc', suite: 'bookworm-backports', program: 'usr/bin/runsc' },
];

/** @param {string} name */
const group = (name) => `peer-${name}`;

/** Fetches them. */
export async function fetchPeers() {
  for (const { name, suite } of known) await fetchDebs(suite, group(name), [name]);
}

/**
 * What benches find in KATA_TS_PEERS: JSON, from the name to the program.
 * @returns {Record<string, string>}
 */
export const peers = () =>
  Object.fromEntries(known.map(({ name, suite, program }) => [name, path.join(unpacked(suite, group(name)), program)]));
