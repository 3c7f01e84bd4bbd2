import { KataError } from '../errors/kata-error.ts';
import { defaultSeccomp } from './default-seccomp.ts';
import { DEFAULT_CAPABILITIES, DEFAULT_PATH, DEFAULT_RLIMITS, defaultLinux, defaultMounts } from './default-spec.ts';
import type { ImageConfig } from './image-config.ts';
import type { OciMount, OciResources, OciRlimit, OciSpec, OciUser } from './spec.ts';

/** What a person says beside the image, docker's options. What is not given comes from the image or is docker's default. */
export interface RunOptions {
  /** Arguments after the image's name: replace its Cmd. */
  args?: readonly string[] | undefined;
  /** `--entrypoint`: replaces the image's, and drops its Cmd. Empty: none. */
  entrypoint?: string | undefined;
  /** `-e`, each `NAME=value`; stronger than the image's. */
  env?: readonly string[] | undefined;
  /** `-w`, absolute. */
  cwd?: string | undefined;
  /** `-u`: `user`, `uid`, `user:group`, `uid:gid`. */
  user?: string | undefined;
  hostname?: string | undefined;
  /** `-t`. */
  terminal?: boolean | undefined;
  /** `--read-only`. */
  readOnly?: boolean | undefined;
  /** `--memory`. */
  memoryMib?: number | undefined;
  /** `--cpus`, may have a fraction. */
  cpus?: number | undefined;
  /** The path of the root file system in the spec. Default `rootfs`, beside config.json. */
  rootPath?: string | undefined;
  /** Mounts beside the default ones. */
  mounts?: readonly OciMount[] | undefined;
  rlimits?: readonly OciRlimit[] | undefined;
  capabilities?: readonly string[] | undefined;
  /** `unconfined`: no system call filter. */
  seccomp?: 'default' | 'unconfined' | undefined;
  annotations?: Readonly<Record<string, string>> | undefined;
  cgroupsPath?: string | undefined;
}

const CPU_PERIOD_US = 100_000;
/** The kernel's smallest quota, 1 ms. */
const CPU_QUOTA_MIN_US = 1000;

/**
 * The runtime-spec configuration of a container made from an image. Throws `invalid-argument` when neither the image nor
 * the person names a command, and for a wrong folder, variable or size.
 *
 * The user goes as `process.user.username`, looked up by the agent in the image's own /etc/passwd and /etc/group (Unlike
 * the runtime-spec, which has that field for Windows alone); plain numbers go as numbers too.
 */
export function imageToSpec(image: ImageConfig, options: RunOptions, architecture: 'x86-64' | 'arm64'): OciSpec {
  const { config = {} } = image;
  const capabilities = [...(options.capabilities ?? DEFAULT_CAPABILITIES)];
  const spec: OciSpec = {
    ociVersion: '1.2.0',
    process: {
      terminal: options.terminal ?? false,
      user: userOf(options.user || config.User || '0'),
      args: commandOf(config.Entrypoint ?? [], config.Cmd ?? [], options),
      env: environmentOf(config.Env ?? [], options),
      cwd: cwdOf(options.cwd || config.WorkingDir || '/'),
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: [...(options.rlimits ?? DEFAULT_RLIMITS)],
      noNewPrivileges: false,
    },
    root: { path: options.rootPath ?? 'rootfs', readonly: options.readOnly ?? false },
    mounts: [...defaultMounts(), ...(options.mounts ?? [])],
    linux: defaultLinux(),
  };
  if (options.hostname !== undefined) spec.hostname = options.hostname;
  if (options.annotations !== undefined) spec.annotations = { ...options.annotations };
  const linux = spec.linux!;
  if (options.cgroupsPath !== undefined) linux.cgroupsPath = options.cgroupsPath;
  linux.resources = { ...linux.resources, ...limitsOf(options) };
  if (options.seccomp !== 'unconfined') linux.seccomp = defaultSeccomp(capabilities, architecture);
  return spec;
}

/** Docker's rules: arguments replace Cmd; `--entrypoint` replaces the entrypoint and drops Cmd, which belonged to it. */
function commandOf(entrypoint: readonly string[], cmd: readonly string[], options: RunOptions): string[] {
  const args = options.args ?? [];
  const replaced = options.entrypoint !== undefined;
  const first = replaced ? [options.entrypoint!].filter((word) => word !== '') : entrypoint;
  const rest = args.length > 0 || replaced ? args : cmd;
  const command = [...first, ...rest];
  if (command.length === 0)
    throw new KataError('invalid-argument', 'command: expected one from the image or after its name, found none', {
      hint: "write the command behind the image's name",
    });
  return command;
}

/** One value a name, the last one said; a PATH, and TERM for a terminal, when nobody says them. */
function environmentOf(fromImage: readonly string[], options: RunOptions): string[] {
  const variables = new Map<string, string>([['PATH', DEFAULT_PATH]]);
  if (options.hostname !== undefined) variables.set('HOSTNAME', options.hostname);
  if (options.terminal) variables.set('TERM', 'xterm');
  // What an image holds that is no variable is passed over, as docker does; what a person writes is refused.
  for (const variable of fromImage) setVariable(variables, variable);
  for (const variable of options.env ?? [])
    if (!setVariable(variables, variable))
      throw new KataError('invalid-argument', `environment: expected NAME=value, found '${variable}'`, {
        hint: 'write -e NAME=value',
      });
  return [...variables].map(([name, value]) => `${name}=${value}`);
}

function setVariable(variables: Map<string, string>, variable: string): boolean {
  const equals = variable.indexOf('=');
  if (equals < 1) return false;
  variables.set(variable.slice(0, equals), variable.slice(equals + 1));
  return true;
}

function cwdOf(cwd: string): string {
  if (cwd.startsWith('/')) return cwd;
  throw new KataError('invalid-argument', `working directory: expected an absolute path, found '${cwd}'`, {
    hint: 'write it beginning with /',
  });
}

const ID_MAX = 2 ** 32 - 2;

/** A user as `-u` and images write it: `user`, `uid`, `user:group`, `uid:gid`. Throws `invalid-argument`. */
export function userOf(user: string): OciUser {
  const [name = '', group, ...more] = user.split(':');
  if (name === '' || group === '' || more.length > 0 || !isId(name) || !isId(group ?? '0'))
    throw new KataError('invalid-argument', `user: expected name, uid, name:group or uid:gid, found '${user}'`, {
      hint: 'write it like 1000:1000 or www-data',
    });
  const uid = /^\d+$/.test(name) ? { uid: Number(name) } : {};
  const gid = group !== undefined && /^\d+$/.test(group) ? { gid: Number(group) } : {};
  return { username: user, ...uid, ...gid };
}

/** A name, or a number that can be an id. */
function isId(word: string): boolean {
  return !/^\d+$/.test(word) || Number(word) <= ID_MAX;
}

function limitsOf({ memoryMib, cpus }: RunOptions): OciResources {
  const limits: OciResources = {};
  if (memoryMib !== undefined) {
    if (!Number.isInteger(memoryMib) || memoryMib < 6)
      throw new KataError('invalid-argument', `memory: expected at least 6 MiB, found ${memoryMib}`, {
        hint: 'write it like 512m',
      });
    limits.memory = { limit: memoryMib * 1024 * 1024 };
  }
  if (cpus !== undefined) {
    const quota = Math.round(cpus * CPU_PERIOD_US);
    if (!(quota >= CPU_QUOTA_MIN_US))
      throw new KataError('invalid-argument', `cpus: expected at least 0.01, found ${cpus}`, {
        hint: 'write it like 1.5',
      });
    limits.cpu = { quota, period: CPU_PERIOD_US };
  }
  return limits;
}
