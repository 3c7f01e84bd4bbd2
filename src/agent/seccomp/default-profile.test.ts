import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALLOWED_SYSCALLS } from '../../oci/allowed-syscalls.ts';
import { defaultSeccomp } from '../../oci/default-seccomp.ts';
import { DEFAULT_CAPABILITIES } from '../../oci/default-spec.ts';
import { seccompToAgent } from '../../oci/seccomp-to-agent.ts';
import { CAPABILITY_NAMES } from '../capabilities.ts';
import { architecturesOf } from './architecture.ts';
import { compileSeccomp } from './filter.ts';
import { interpret } from './interpreter.test-helper.ts';

const ALLOW = 0x7fff0000;
const EPERM = 0x50001;
const ENOSYS = 0x50026;
const X64 = 0xc000003e;
const X86 = 0x40000003;

const table = architecturesOf([], 'SCMP_ARCH_X86_64')[0]!.table();

function judge(capabilities: readonly string[] = DEFAULT_CAPABILITIES) {
  const { instructions } = compileSeccomp(seccompToAgent(defaultSeccomp(capabilities, 'x86-64')), 'SCMP_ARCH_X86_64');
  return (name: string | number, args: bigint[] = [], arch = X64) => {
    const nr = typeof name === 'number' ? name : table.get(name)!;
    assert.ok(nr !== undefined, `${name}`);
    return interpret(instructions, { nr, arch, args: [...args, 0n, 0n, 0n, 0n, 0n, 0n].slice(0, 6) }).ret;
  };
}

test('a container does its daily work', () => {
  const ask = judge();
  for (const name of [
    'read',
    'execve',
    'openat2',
    'mmap',
    'futex',
    'epoll_pwait2',
    'ptrace',
    'chroot',
    'landlock_add_rule',
  ])
    assert.equal(ask(name), ALLOW, name);
  assert.equal(ask('clone', [0x3d0f00n]), ALLOW, 'a thread');
});

test('a container makes no namespaces, mounts nothing, loads nothing', () => {
  const ask = judge();
  for (const name of [
    'mount',
    'unshare',
    'setns',
    'bpf',
    'init_module',
    'kexec_load',
    'keyctl',
    'io_uring_setup',
    'reboot',
  ])
    assert.equal(ask(name), EPERM, name);
  for (const flag of [0x20000n, 0x2000000n, 0x4000000n, 0x8000000n, 0x10000000n, 0x20000000n, 0x40000000n])
    assert.equal(ask('clone', [flag | 17n]), EPERM, `clone with ${flag.toString(16)}`);
  assert.equal(ask('clone3'), ENOSYS, 'so that libraries fall back to clone');
});

test("a container cannot reach the host or the agent by vsock, nor the kernel's cryptography, in any way", () => {
  const ask = judge();
  for (const [family, expected] of [
    [1n, ALLOW],
    [2n, ALLOW],
    [10n, ALLOW],
    [16n, ALLOW],
    [38n, EPERM],
    [39n, ALLOW],
    [40n, EPERM],
    [41n, ALLOW],
  ] as const) {
    assert.equal(ask('socket', [family]), expected, `family ${family}`);
    assert.equal(ask(359, [family], X86), expected, `family ${family} of a 32-bit program`);
    assert.equal(ask(0x40000000 + 41, [family]), expected, `family ${family} of an x32 program`);
  }
  assert.equal(ask(102, [1n], X86), EPERM, 'socketcall hides the family');
  assert.equal(ask(102, [3n], X86), ALLOW, 'connect through socketcall');
});

test('only the personalities of Linux programs are allowed', () => {
  const ask = judge();
  for (const value of [0n, 8n, 0x20000n, 0x20008n, 0xffffffffn]) assert.equal(ask('personality', [value]), ALLOW);
  for (const value of [1n, 0x40000n, 0x0400000n, 0x100000000n]) assert.equal(ask('personality', [value]), EPERM);
});

test('a capability brings back what it is needed for', () => {
  assert.equal(judge([])('chroot'), EPERM);
  const admin = judge(['CAP_SYS_ADMIN']);
  for (const name of ['mount', 'unshare', 'clone3', 'setns', 'bpf']) assert.equal(admin(name), ALLOW, name);
  assert.equal(admin('clone', [0x10000000n]), ALLOW);
  assert.equal(admin('reboot'), EPERM);
  assert.equal(judge(['CAP_SYS_BOOT'])('reboot'), ALLOW);
  assert.equal(judge(['CAP_SYS_TIME'])('clock_settime'), ALLOW);
});

test('every system call of every architecture has been judged', () => {
  const everything = defaultSeccomp(CAPABILITY_NAMES, 'x86-64').syscalls!.flatMap(({ names }) => names);
  const known = new Set([...everything, ...ALLOWED_SYSCALLS]);
  // Refused to everybody, whatever the capabilities.
  const refused = new Set(
    [
      'uselib ustat sysfs pivot_root _sysctl swapon swapoff create_module get_kernel_syms query_module nfsservctl',
      'getpmsg putpmsg afs_syscall tuxcall security vserver kexec_load add_key request_key keyctl kexec_file_load',
      'userfaultfd io_uring_setup io_uring_enter io_uring_register break stty gtty ftime prof lock mpx ulimit profil',
      'idle vm86old bdflush vm86 pciconfig_iobase pciconfig_read pciconfig_write usr26 usr32',
    ]
      .join(' ')
      .split(' '),
  );
  const tables = [
    ...architecturesOf(['SCMP_ARCH_X86', 'SCMP_ARCH_X32'], 'SCMP_ARCH_X86_64'),
    ...architecturesOf(['SCMP_ARCH_ARM'], 'SCMP_ARCH_AARCH64'),
  ].map((each) => each.table());
  const names = new Set(tables.flatMap((each) => [...each.keys()]));
  assert.deepEqual(
    [...names].filter((name) => !known.has(name) && !refused.has(name)),
    [],
  );
  assert.deepEqual(
    [...known, ...refused].filter((name) => !names.has(name)),
    [],
    'a name that no table has is a typing error',
  );
  assert.deepEqual(
    [...refused].filter((name) => known.has(name)),
    [],
  );
});

test('the filter is short: a system call is decided in at most 16 steps, by its arguments in 32', () => {
  const { instructions } = compileSeccomp(
    seccompToAgent(defaultSeccomp(DEFAULT_CAPABILITIES, 'x86-64')),
    'SCMP_ARCH_X86_64',
  );
  assert.ok(instructions.length / 8 < 800, `${instructions.length / 8} instructions`);
  for (const [name, nr] of table) {
    const { steps } = interpret(instructions, { nr, arch: X64, args: [77n, 0n, 0n, 0n, 0n, 0n] });
    assert.ok(steps <= (['clone', 'personality', 'socket'].includes(name) ? 32 : 16), `${name}: ${steps} steps`);
  }
});
