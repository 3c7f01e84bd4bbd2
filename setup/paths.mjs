// Where everything stands. Nothing outside the checkout is written, but for the Debian packages of the host.
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
/** What set-up makes for itself: caches, stamps, intermediate files. Can be removed at any time. */
export const build = path.join(root, '.build');
/** What a person gets, laid out as under `/opt/kata`. */
export const dist = path.join(root, 'dist');
/** Kernel, initrd and images. */
export const share = path.join(dist, 'share/kata-containers');
/** The guest agent's static binary, which the initrd is made of. */
export const agentBinary = path.join(build, 'agent');

/** @param {string} file A path, shown to a person as short as it can be. */
export const shown = (file) => {
  const relative = path.relative(root, file);
  return relative.startsWith('..') ? file : relative;
};
