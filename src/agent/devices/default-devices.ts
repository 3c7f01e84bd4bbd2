import type { LinuxDevice } from '../../protocols/gen/oci.ts';

const character = (path: string, major: number, minor: number): LinuxDevice => ({
  path,
  type: 'c',
  major: BigInt(major),
  minor: BigInt(minor),
  fileMode: 0o666,
  uid: 0,
  gid: 0,
});

/** The devices that every container has (runtime-spec, config-linux, "Default Devices"). */
export const DEFAULT_DEVICES: readonly LinuxDevice[] = [
  character('/dev/null', 1, 3),
  character('/dev/zero', 1, 5),
  character('/dev/full', 1, 7),
  character('/dev/random', 1, 8),
  character('/dev/urandom', 1, 9),
  character('/dev/tty', 5, 0),
];

/** The symbolic links that every container has (runtime-spec, runtime-linux, "Dev symbolic links"; ptmx as runc). */
export const DEFAULT_LINKS: readonly (readonly [name: string, target: string])[] = [
  ['ptmx', 'pts/ptmx'],
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
];
