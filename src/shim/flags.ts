import { KataError } from '../errors/kata-error.ts';

/** How containerd calls a shim (containerd, core/runtime/v2, "Command line"): Go's flag syntax, then an action. */
export interface ShimFlags {
  /** '' is the long-lived server itself; `start` makes one, `delete` cleans up after one. */
  action: '' | 'start' | 'delete';
  /** containerd's namespace. */
  namespace: string;
  /** containerd's own socket. */
  address: string;
  /** The containerd binary, which publishes an event given to it on standard input. */
  publishBinary: string;
  /** The container's id. */
  id: string;
  /** Where the bundle is; the current folder unless containerd says so (for `delete`). */
  bundle: string;
  debug: boolean;
  /** `-v`: print the version. */
  version: boolean;
  /** `-info`: print the runtime's features as protobuf (containerd 2.0 and newer). */
  info: boolean;
}

const VALUES = new Map<string, 'namespace' | 'address' | 'publishBinary' | 'id' | 'bundle' | null>([
  ['namespace', 'namespace'],
  ['address', 'address'],
  ['publish-binary', 'publishBinary'],
  ['id', 'id'],
  ['bundle', 'bundle'],
  // Taken and not needed: the server is forked with its socket open.
  ['socket', null],
]);
const SWITCHES = new Map<string, 'debug' | 'version' | 'info'>([
  ['debug', 'debug'],
  ['v', 'version'],
  ['version', 'version'],
  ['info', 'info'],
]);

/** Reads the command line behind the program's name. Throws `invalid-argument` for what is no shim's flag. */
export function parseShimFlags(argv: readonly string[]): ShimFlags {
  const flags: ShimFlags = {
    action: '',
    namespace: '',
    address: '',
    publishBinary: '',
    id: '',
    bundle: '',
    debug: false,
    version: false,
    info: false,
  };
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const match = /^--?([a-z-]+)(?:=(.*))?$/.exec(word);
    if (match === null) {
      if (word !== 'start' && word !== 'delete')
        throw new KataError(
          'invalid-argument',
          `the action start or delete is expected, found ${JSON.stringify(word)}`,
        );
      flags.action = word;
      continue;
    }
    const name = match[1]!;
    const onOff = SWITCHES.get(name);
    if (onOff !== undefined) {
      flags[onOff] = match[2] !== 'false';
      continue;
    }
    const field = VALUES.get(name);
    if (field === undefined)
      throw new KataError(
        'invalid-argument',
        `one of ${[...VALUES.keys(), ...SWITCHES.keys()].join(', ')} is expected, found ${word}`,
      );
    const value = match[2] ?? rest.shift();
    if (value === undefined) throw new KataError('invalid-argument', `${word} is expected to be followed by a value`);
    if (field !== null) flags[field] = value;
  }
  return flags;
}
