/**
 * Names what this measurement makes on the host: cgroups, which every runtime's containers share, are seen by others that
 * measure at the same time, and the pid is one of our own namespace.
 */
export const RUN_NAME = `bench-${Date.now().toString(36)}`;
