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

/** A container's bundle: its `config.json`, and its root at `rootfs`. */
export const bundleOf = (containerId: string): string => `${CONTAINERS_FOLDER}/${containerId}`;
