/** Where upstream's runtimes and agents agree that things are in the guest. */

/** Bundles of containers, and all that follows. Wiped when a sandbox is created. */
export const CONTAINERS_FOLDER = '/run/kata-containers';
/** What the host shares or copies: roots and volumes. */
export const SHARED_FOLDER = `${CONTAINERS_FOLDER}/shared/containers`;
/** What belongs to the sandbox: `shm`, `ephemeral`, `storage`, `resolv.conf`. */
export const SANDBOX_FOLDER = `${CONTAINERS_FOLDER}/sandbox`;
/** The pod's `/etc/resolv.conf`. */
export const RESOLV_CONF = `${SANDBOX_FOLDER}/resolv.conf`;
/** The namespaces that the containers of the sandbox share, each a file. */
export const NAMESPACES_FOLDER = '/run/sandbox-ns';

/** Folders beside the bundles, whose names are containers' ids for somebody some day. */
const TAKEN = new Set(['shared', 'sandbox', 'image', 'virtual-volumes']);

/**
 * A container's bundle: its `config.json`, and its root at `rootfs`. It is called as the container, as in upstream; but
 * not where something else is called so. No id begins with `_`.
 */
export const bundleOf = (containerId: string): string =>
  `${CONTAINERS_FOLDER}/${TAKEN.has(containerId) ? '_' : ''}${containerId}`;
