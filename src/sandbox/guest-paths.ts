/** Paths in the guest that runtime and agent agree on (kata-facts §3.5). */
export const GUEST_SHARED = '/run/kata-containers/shared/containers';

/** Where a container's root is put together: its layers beside it, in a folder of its own. */
export function guestRoot(containerId: string): { base: string; lower: string; writable: string; rootfs: string } {
  const base = `${GUEST_SHARED}/${containerId}`;
  return { base, lower: `${base}/lower`, writable: `${base}/rw`, rootfs: `${base}/rootfs` };
}

/** The pod's shared memory. */
export const GUEST_SHM = '/run/kata-containers/sandbox/shm';

/** emptyDir volumes of the pod, a folder each: in the guest's file system, and as memory with a limit of its own. */
export const GUEST_EMPTY_DIRS = '/run/kata-containers/sandbox/storage';
export const GUEST_MEMORY_EMPTY_DIRS = '/run/kata-containers/sandbox/ephemeral';
