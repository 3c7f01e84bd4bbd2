import {
  absolutePath,
  anyObject,
  flag,
  int64,
  integer,
  list,
  map,
  matching,
  object,
  oneOf,
  text,
  uint32,
  uint64,
} from './shape.ts';

const idMappings = list(
  object({ containerID: uint32, hostID: uint32, size: uint32 }, ['containerID', 'hostID', 'size']),
);
const capabilityNames = list(matching(/^CAP_[A-Z0-9_]+$/, 'a capability like CAP_NET_RAW'));
const variable = matching(/^[^=]+=/s, 'a variable as NAME=value');
const deviceNumber = integer(0n, 0xffff_ffffn);
/** A device rule may say -1, or nothing, for every number. */
const deviceNumberOrAny = integer(-1n, 0xffff_ffffn);

/** Names that become paths: one file of a cgroup, one file below /proc/sys. Neither may climb out. */
const CGROUP_FILE = /^(?!\.)[\w.-]+$/;
const SYSCTL = /^(?!.*\.\.)[\w-][\w.:/-]*$/;

/** Process of config.json, and of an exec's process.json (config.md, Process). */
export const processShape = object(
  {
    terminal: flag,
    consoleSize: object({ height: uint32, width: uint32 }, ['height', 'width']),
    user: object({
      uid: uint32,
      gid: uint32,
      umask: integer(0n, 0o777n),
      additionalGids: list(uint32),
      username: text,
    }),
    args: list(text),
    env: list(variable),
    cwd: absolutePath,
    capabilities: object({
      bounding: capabilityNames,
      effective: capabilityNames,
      inheritable: capabilityNames,
      permitted: capabilityNames,
      ambient: capabilityNames,
    }),
    rlimits: list(
      object({ type: matching(/^RLIMIT_[A-Z]+$/, 'a limit like RLIMIT_NOFILE'), soft: uint64, hard: uint64 }, [
        'type',
        'soft',
        'hard',
      ]),
    ),
    noNewPrivileges: flag,
    apparmorProfile: text,
    oomScoreAdj: integer(-1000n, 1000n),
    selinuxLabel: text,
    scheduler: anyObject,
    ioPriority: anyObject,
    execCPUAffinity: anyObject,
  },
  ['cwd'],
);

/** Limits, of config.json and of an update (config-linux.md, Control groups). */
export const resourcesShape = object({
  devices: list(
    object(
      {
        allow: flag,
        type: oneOf('a', 'b', 'c', ''),
        major: deviceNumberOrAny,
        minor: deviceNumberOrAny,
        access: matching(/^[rwm]*$/, 'letters of rwm'),
      },
      ['allow'],
    ),
  ),
  memory: object({
    limit: int64,
    reservation: int64,
    swap: int64,
    kernel: int64,
    kernelTCP: int64,
    swappiness: integer(0n, 100n),
    disableOOMKiller: flag,
  }),
  cpu: object({
    shares: uint64,
    quota: int64,
    burst: uint64,
    period: uint64,
    realtimeRuntime: int64,
    realtimePeriod: uint64,
    cpus: text,
    mems: text,
    idle: integer(0n, 1n),
  }),
  pids: object({ limit: int64 }),
  blockIO: object({ weight: integer(0n, 1000n) }),
  hugepageLimits: list(object({ pageSize: text, limit: uint64 }, ['pageSize', 'limit'])),
  unified: map(text, CGROUP_FILE),
});

const ACTION = /^SCMP_ACT_(?:ALLOW|ERRNO|KILL|KILL_THREAD|KILL_PROCESS|TRAP|TRACE|LOG|NOTIFY)$/;
const action = matching(ACTION, 'an action like SCMP_ACT_ALLOW');

const seccompShape = object(
  {
    defaultAction: action,
    defaultErrnoRet: integer(0n, 4095n),
    architectures: list(matching(/^SCMP_ARCH_[A-Z0-9_]+$/, 'an architecture like SCMP_ARCH_X86_64')),
    flags: list(text),
    listenerPath: text,
    syscalls: list(
      object(
        {
          names: list(text),
          action,
          errnoRet: integer(0n, 65535n),
          args: list(
            object(
              {
                index: integer(0n, 5n),
                value: uint64,
                valueTwo: uint64,
                op: matching(/^SCMP_CMP_(?:NE|LT|LE|EQ|GE|GT|MASKED_EQ)$/, 'a comparison like SCMP_CMP_EQ'),
              },
              ['index', 'value', 'op'],
            ),
          ),
        },
        ['names', 'action'],
      ),
    ),
  },
  ['defaultAction'],
);

const linuxShape = object({
  uidMappings: idMappings,
  gidMappings: idMappings,
  sysctl: map(text, SYSCTL),
  resources: resourcesShape,
  cgroupsPath: text,
  namespaces: list(
    object({ type: oneOf('pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time'), path: text }, ['type']),
  ),
  devices: list(
    object(
      {
        path: absolutePath,
        type: oneOf('c', 'u', 'b', 'p'),
        major: deviceNumber,
        minor: deviceNumber,
        fileMode: integer(0n, 0o177777n),
        uid: uint32,
        gid: uint32,
      },
      ['path', 'type'],
    ),
  ),
  seccomp: seccompShape,
  rootfsPropagation: oneOf(
    '',
    'shared',
    'rshared',
    'slave',
    'rslave',
    'private',
    'rprivate',
    'unbindable',
    'runbindable',
  ),
  maskedPaths: list(absolutePath),
  readonlyPaths: list(absolutePath),
  mountLabel: text,
  intelRdt: anyObject,
  personality: object({ domain: text, flags: list(text) }, ['domain']),
  timeOffsets: map(anyObject),
  netDevices: map(anyObject),
  memoryPolicy: anyObject,
});

const hooks = list(
  object({ path: absolutePath, args: list(text), env: list(variable), timeout: integer(1n, 2n ** 31n - 1n) }, ['path']),
);

/** The whole of config.json (config.md). */
export const specShape = object(
  {
    ociVersion: matching(/^1\.\d+\.\d+(?:[-+].*)?$/, 'a version 1.x of the OCI runtime-spec'),
    process: processShape,
    root: object({ path: matching(/./s, 'a path'), readonly: flag }, ['path']),
    hostname: text,
    domainname: text,
    mounts: list(
      object(
        {
          destination: matching(/./s, 'a path'),
          source: text,
          type: text,
          options: list(text),
          uidMappings: idMappings,
          gidMappings: idMappings,
        },
        ['destination'],
      ),
    ),
    hooks: object({
      prestart: hooks,
      createRuntime: hooks,
      createContainer: hooks,
      startContainer: hooks,
      poststart: hooks,
      poststop: hooks,
    }),
    annotations: map(text),
    linux: linuxShape,
  },
  ['ociVersion', 'root'],
);
