/**
 * In place of a container's id in the agent API, the guest itself, whose shell is its debug console. No container can be
 * called so.
 */
export const GUEST_CONSOLE = '.guest';
