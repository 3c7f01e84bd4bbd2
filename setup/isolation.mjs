// Where tests run that start processes and mount things.

/**
 * A command in namespaces of its own for processes and mounts: whatever it leaves running or mounted ends with it.
 * A shell is process 1, which takes in orphans as an init does; a test that was process 1 itself would see them as
 * zombies for ever. /run is their own as well: what stands there can only be theirs.
 * @param {string[]} command
 * @param {'private' | 'shared'} mounts Whether they propagate among its own namespaces, as on a host with systemd. Never to the host.
 * @returns {string[]}
 */
export const isolated = (command, mounts) => [
  ...['unshare', '--mount', '--pid', '--fork', '--kill-child=KILL', '--mount-proc', '--propagation=private'],
  ...[
    'sh',
    '-c',
    `mount --make-r${mounts} / && mount -t tmpfs -o mode=755 run /run && "$@"; exit $?`,
    'sh',
    ...command,
  ],
];
