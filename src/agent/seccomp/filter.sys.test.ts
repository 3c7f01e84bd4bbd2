import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf, syscall } from 'sys';
import { inChild } from '../../../test/harness/in-child.ts';
import { defaultSeccomp } from '../../oci/default-seccomp.ts';
import { DEFAULT_CAPABILITIES } from '../../oci/default-spec.ts';
import { seccompToAgent } from '../../oci/seccomp-to-agent.ts';
import { check } from '../../os/errno.ts';
import type { LinuxSeccomp } from '../../protocols/gen/oci.ts';
import { NR } from '../../syscall/numbers.ts';
import { architecturesOf } from './architecture.ts';
import { compileSeccomp } from './filter.ts';

const SECCOMP_SET_MODE_FILTER = 1;
const EPERM = 1;
const ENOSYS = 38;

/** Loads the profile for good; only in a child. */
function load(seccomp: LinuxSeccomp): void {
  const { instructions, flags } = compileSeccomp(seccomp, 'SCMP_ARCH_X86_64');
  // struct sock_fprog: the number of instructions, then where they are.
  const program = new BigUint64Array([BigInt(instructions.length / 8), addressOf(instructions)]);
  check(syscall(NR.seccomp, SECCOMP_SET_MODE_FILTER, flags, program), 'load the filter');
  assert.ok(instructions.length > 0);
}

/** What QuickJS and the harness themselves need; and uretprobe, which newer kernels let pass by every filter. */
const KEPT =
  'read write close mmap munmap mremap mprotect brk madvise futex exit exit_group clock_gettime gettimeofday ' +
  'rt_sigaction rt_sigprocmask rt_sigreturn sched_yield restart_syscall uretprobe';

test('the kernel takes the program, and every system call gets the very errno that its rule says', () => {
  const table = architecturesOf([], 'SCMP_ARCH_X86_64')[0]!.table();
  const judged = [...table].filter(([name]) => !KEPT.split(' ').includes(name));
  const rules = judged.map(([name, nr]) => ({
    names: [name],
    action: 'SCMP_ACT_ERRNO',
    errnoRet: 200 + nr,
    args: [],
  }));
  const wrong = inChild(() => {
    load({
      defaultAction: 'SCMP_ACT_ALLOW',
      architectures: [],
      flags: ['SECCOMP_FILTER_FLAG_LOG'],
      defaultErrnoRet: undefined,
      syscalls: rules,
    });
    return judged.flatMap(([name, nr]) => (syscall(nr, 0, 0, 0, 0, 0, 0) === -(200 + nr) ? [] : [name])).join(' ');
  });
  assert.equal(wrong, '');
});

test('the kernel compares all 64 bits of an argument, as the rule says', () => {
  const values = [0n, 1n, 0xffffffffn, 0x100000000n, 0x100000001n, 2n ** 63n, 2n ** 64n - 1n];
  const holds: Record<string, (a: bigint, b: bigint) => boolean> = {
    NE: (a, b) => a !== b,
    LT: (a, b) => a < b,
    LE: (a, b) => a <= b,
    EQ: (a, b) => a === b,
    GE: (a, b) => a >= b,
    GT: (a, b) => a > b,
    MASKED_EQ: (a, b) => (a & b) === b,
  };
  const wrong: string[] = [];
  for (const [op, expected] of Object.entries(holds))
    for (const value of values) {
      const answer = inChild(() => {
        const args = [{ index: 2n, value, valueTwo: value, op: `SCMP_CMP_${op}` }];
        const rule = { names: ['getppid'], action: 'SCMP_ACT_ERRNO', errnoRet: 77, args };
        load({
          defaultAction: 'SCMP_ACT_ALLOW',
          architectures: [],
          flags: [],
          defaultErrnoRet: undefined,
          syscalls: [rule],
        });
        return values.map((found) => (syscall(NR.getppid, 0, 0, found) === -77 ? '1' : '0')).join('');
      });
      const meant = values.map((found) => (expected(found, value) ? '1' : '0')).join('');
      if (answer !== meant) wrong.push(`${op} ${value}: expected ${meant}, found ${answer}`);
    }
  assert.deepEqual(wrong, []);
});

test('under the default profile a process works, but makes no namespace and reaches no vsock', () => {
  const answer = inChild(() => {
    load(seccompToAgent(defaultSeccomp(DEFAULT_CAPABILITIES, 'x86-64')));
    const AF_UNIX = 1;
    const AF_VSOCK = 40;
    const CLONE_NEWUTS = 0x4000000;
    return JSON.stringify([
      syscall(NR.getpid) > 0,
      syscall(NR.socket, AF_UNIX, 1, 0) >= 0,
      syscall(NR.socket, AF_VSOCK, 1, 0),
      syscall(NR.unshare, CLONE_NEWUTS),
      syscall(NR.clone3, 0, 0),
      syscall(9999),
    ]);
  });
  assert.deepEqual(JSON.parse(answer), [true, true, -EPERM, -EPERM, -ENOSYS, -ENOSYS]);
});
