import { ALLOWED_SYSCALLS } from './allowed-syscalls.ts';
import type { OciSeccomp, OciSyscallArg, OciSyscallRule } from './spec.ts';

/** System calls that need a capability: whoever has it may make them. */
const BY_CAPABILITY: Readonly<Record<string, readonly string[]>> = {
  CAP_BPF: ['bpf'],
  CAP_DAC_READ_SEARCH: ['open_by_handle_at'],
  CAP_PERFMON: ['perf_event_open'],
  CAP_SYSLOG: ['syslog'],
  CAP_SYS_ADMIN: [
    ...[
      'bpf',
      'clone',
      'clone3',
      'fanotify_init',
      'fsconfig',
      'fsmount',
      'fsopen',
      'fspick',
      'lookup_dcookie',
      'mount',
    ],
    ...['mount_setattr', 'move_mount', 'open_tree', 'open_tree_attr', 'perf_event_open', 'quotactl', 'quotactl_fd'],
    ...['setdomainname', 'sethostname', 'setns', 'syslog', 'umount', 'umount2', 'unshare'],
  ],
  CAP_SYS_BOOT: ['reboot'],
  CAP_SYS_CHROOT: ['chroot'],
  CAP_SYS_MODULE: ['delete_module', 'finit_module', 'init_module'],
  CAP_SYS_NICE: ['get_mempolicy', 'mbind', 'migrate_pages', 'move_pages', 'set_mempolicy', 'set_mempolicy_home_node'],
  CAP_SYS_PACCT: ['acct'],
  CAP_SYS_PTRACE: ['kcmp', 'pidfd_getfd', 'process_madvise'],
  CAP_SYS_RAWIO: ['ioperm', 'iopl'],
  CAP_SYS_TIME: ['clock_settime', 'clock_settime64', 'settimeofday', 'stime'],
  CAP_SYS_TTY_CONFIG: ['vhangup'],
};

/** Flags of clone(2) that make namespaces: NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const NAMESPACE_FLAGS = 0x7e020000;
/** personality(2): LINUX, LINUX32, both with UNAME26 as well, and the question which one it is. */
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];
/** socket(2): the kernel's cryptography, and the sockets between guest and host, by which the agent itself is reached. */
const AF_ALG = 38;
const AF_VSOCK = 40;
/** The number of socket(2) within socketcall(2), of 32-bit x86. */
const SOCKETCALL_SOCKET = 1;
const ENOSYS = 38;

const ARCHITECTURES = {
  'x86-64': ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  arm64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
} as const;

/**
 * The system call filter of a container that asks for none itself: a list of what is allowed, everything else fails with
 * EPERM. It says what docker's and containerd's defaults say, and that AF_VSOCK can't be had through socketcall either.
 *
 * @param capabilities the container's bounding set
 */
export function defaultSeccomp(capabilities: readonly string[], architecture: keyof typeof ARCHITECTURES): OciSeccomp {
  const isAdmin = capabilities.includes('CAP_SYS_ADMIN');
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 1,
    architectures: [...ARCHITECTURES[architecture]],
    syscalls: [
      allow(ALLOWED_SYSCALLS),
      ...PERSONALITIES.map((value) => allow(['personality'], compare('EQ', value))),
      // One rule a range: in a single rule the comparisons of one argument would have to hold all at once, or any.
      allow(['socket'], compare('LT', AF_ALG)),
      allow(['socket'], compare('EQ', AF_ALG + 1)),
      allow(['socket'], compare('GT', AF_VSOCK)),
      allow(['socketcall'], compare('NE', SOCKETCALL_SOCKET)),
      ...(isAdmin ? [] : withoutNamespaces()),
      ...capabilities.flatMap((name) => {
        const names = Object.hasOwn(BY_CAPABILITY, name) ? BY_CAPABILITY[name]! : [];
        return names.length === 0 ? [] : [allow(names)];
      }),
    ],
  };
}

/** Processes and threads, but no namespaces. A filter cannot see clone3's flags: ENOSYS makes libraries use clone. */
function withoutNamespaces(): OciSyscallRule[] {
  return [
    allow(['clone'], { index: 0, value: NAMESPACE_FLAGS, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }),
    { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
  ];
}

function allow(names: readonly string[], ...args: OciSyscallArg[]): OciSyscallRule {
  const rule: OciSyscallRule = { names: [...names], action: 'SCMP_ACT_ALLOW' };
  return args.length === 0 ? rule : { ...rule, args };
}

function compare(operator: 'EQ' | 'NE' | 'LT' | 'GT', value: number): OciSyscallArg {
  return { index: 0, value, op: `SCMP_CMP_${operator}` };
}
