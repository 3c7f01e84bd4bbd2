import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KataError } from '../../errors/kata-error.ts';
import type { LinuxSeccomp, LinuxSeccompArg, LinuxSyscall } from '../../protocols/gen/oci.ts';
import { architecturesOf, X32_BIT } from './architecture.ts';
import { compileSeccomp } from './filter.ts';
import { interpret } from './interpreter.test-helper.ts';

const AUDIT = { x64: 0xc000003e, x86: 0x40000003, arm64: 0xc00000b7, arm: 0x40000028 } as const;
const ALLOW = 0x7fff0000;
const EPERM = 0x50001;
const ENOSYS = 0x50000 + 38;
const KILL_PROCESS = 0x80000000;

function profile(fields: Partial<LinuxSeccomp>): LinuxSeccomp {
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    architectures: ['SCMP_ARCH_X86_64'],
    flags: [],
    syscalls: [],
    defaultErrnoRet: undefined,
    ...fields,
  };
}
const rule = (
  names: string[],
  action = 'SCMP_ACT_ALLOW',
  args: LinuxSeccompArg[] = [],
  errnoRet?: number,
): LinuxSyscall => ({
  names,
  action,
  args,
  errnoRet,
});
const arg = (index: number, op: string, value: bigint, valueTwo = 0n): LinuxSeccompArg => ({
  index: BigInt(index),
  op: `SCMP_CMP_${op}`,
  value,
  valueTwo,
});

/** A question to a compiled profile: what becomes of this system call? */
function judge(seccomp: LinuxSeccomp, native: 'SCMP_ARCH_X86_64' | 'SCMP_ARCH_AARCH64' = 'SCMP_ARCH_X86_64') {
  const { instructions } = compileSeccomp(seccomp, native);
  return (nr: number, args: bigint[] = [], arch: number = AUDIT.x64) => {
    const six = [...args, 0n, 0n, 0n, 0n, 0n, 0n].slice(0, 6);
    return interpret(instructions, { nr, arch, args: six }).ret;
  };
}

function refused(seccomp: Partial<LinuxSeccomp>, word: string) {
  assert.throws(
    () => compileSeccomp(profile(seccomp), 'SCMP_ARCH_X86_64'),
    (error) => error instanceof KataError && error.line.includes(word),
    word,
  );
}

test('what is listed is allowed, what is not gets the default', () => {
  const ask = judge(profile({ syscalls: [rule(['read', 'write', 'mseal'])] }));
  assert.equal(ask(0), ALLOW);
  assert.equal(ask(1), ALLOW);
  assert.equal(ask(2), EPERM);
  assert.equal(ask(462), ALLOW);
});

test('a system call newer than any the profile names fails with ENOSYS, so that C libraries fall back', () => {
  const ask = judge(profile({ syscalls: [rule(['read', 'openat2', 'nobody_knows_this_one'])] }));
  assert.equal(ask(436), EPERM);
  assert.equal(ask(437), ALLOW);
  assert.equal(ask(438), ENOSYS);
  assert.equal(ask(100000), ENOSYS);
  assert.equal(ask(0xffffffff), ENOSYS);
});

test('a profile that allows by default lets new system calls through', () => {
  const ask = judge(
    profile({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule(['ptrace'], 'SCMP_ACT_ERRNO', [], 13)] }),
  );
  assert.equal(ask(101), 0x5000d);
  assert.equal(ask(9999), ALLOW);
});

test("a rule that says what the default says still counts as the author's knowledge", () => {
  const ask = judge(profile({ syscalls: [rule(['read']), rule(['clone3'], 'SCMP_ACT_ERRNO')] }));
  assert.equal(ask(435), EPERM);
  assert.equal(ask(400), EPERM);
  assert.equal(ask(436), ENOSYS);
});

test('a program of an architecture that is not listed is killed, one that is gets its own numbers', () => {
  const only64 = judge(profile({ syscalls: [rule(['read'])] }));
  assert.equal(only64(0, [], AUDIT.x86), KILL_PROCESS);
  assert.equal(only64(X32_BIT, []), KILL_PROCESS);
  const both = judge(
    profile({
      architectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32', 'SCMP_ARCH_MIPS'],
      syscalls: [rule(['read', 'ioctl'])],
    }),
  );
  assert.equal(both(0), ALLOW, 'the native architecture needs not be listed');
  assert.equal(both(3, [], AUDIT.x86), ALLOW);
  assert.equal(both(0, [], AUDIT.x86), EPERM);
  assert.equal(both(X32_BIT), ALLOW);
  assert.equal(both(X32_BIT + 514), ALLOW, 'ioctl has a number of its own in x32');
  assert.equal(both(X32_BIT + 16), EPERM);
  assert.equal(both(X32_BIT + 515), ENOSYS);
  assert.equal(both(0, [], AUDIT.arm64), KILL_PROCESS);
});

test('on arm64 the numbers are those of arm64', () => {
  const ask = judge(
    profile({ architectures: ['SCMP_ARCH_ARM', 'SCMP_ARCH_AARCH64'], syscalls: [rule(['read', 'set_tls'])] }),
    'SCMP_ARCH_AARCH64',
  );
  assert.equal(ask(63, [], AUDIT.arm64), ALLOW);
  assert.equal(ask(0, [], AUDIT.arm64), EPERM);
  assert.equal(ask(3, [], AUDIT.arm), ALLOW);
  assert.equal(ask(983045, [], AUDIT.arm), ALLOW);
  assert.equal(ask(400, [], AUDIT.arm), ENOSYS);
  assert.equal(ask(0, [], AUDIT.x64), KILL_PROCESS);
});

test('each comparison looks at all 64 bits, unsigned', () => {
  const values = [0n, 1n, 5n, 0xffffffffn, 0x100000000n, 0x100000005n, 0x1ffffffffn, 2n ** 63n, 2n ** 64n - 1n];
  const holds: Record<string, (a: bigint, b: bigint) => boolean> = {
    NE: (a, b) => a !== b,
    LT: (a, b) => a < b,
    LE: (a, b) => a <= b,
    EQ: (a, b) => a === b,
    GE: (a, b) => a >= b,
    GT: (a, b) => a > b,
  };
  for (const [op, expected] of Object.entries(holds))
    for (const value of values) {
      const ask = judge(profile({ syscalls: [rule(['read'], 'SCMP_ACT_ALLOW', [arg(3, op, value)])] }));
      for (const found of values)
        assert.equal(ask(0, [0n, 0n, 0n, found]), expected(found, value) ? ALLOW : EPERM, `${found} ${op} ${value}`);
    }
});

test('clone is allowed but for the flags that make namespaces', () => {
  const ask = judge(profile({ syscalls: [rule(['clone'], 'SCMP_ACT_ALLOW', [arg(0, 'MASKED_EQ', 2114060288n, 0n)])] }));
  assert.equal(ask(56, [0x11n]), ALLOW);
  assert.equal(ask(56, [0x10000000n | 0x11n]), EPERM);
  assert.equal(ask(56, [0x100000000n]), ALLOW, 'a bit beyond the mask does not matter');
});

test('the expected value of a masked comparison is masked as well', () => {
  const ask = judge(
    profile({ syscalls: [rule(['read'], 'SCMP_ACT_ALLOW', [arg(0, 'MASKED_EQ', 0xff00000000n, 0x12ffffffffn)])] }),
  );
  assert.equal(ask(0, [0x12abcdef01n]), ALLOW);
  assert.equal(ask(0, [0x13abcdef01n]), EPERM);
});

test('conditions on several arguments must all hold; several on one argument, any', () => {
  const all = judge(profile({ syscalls: [rule(['socket'], 'SCMP_ACT_ALLOW', [arg(0, 'EQ', 2n), arg(1, 'EQ', 1n)])] }));
  assert.equal(all(41, [2n, 1n]), ALLOW);
  assert.equal(all(41, [2n, 2n]), EPERM);
  assert.equal(all(41, [3n, 1n]), EPERM);
  const any = judge(
    profile({
      syscalls: [rule(['socket'], 'SCMP_ACT_ALLOW', [arg(0, 'EQ', 2n), arg(0, 'EQ', 10n), arg(1, 'EQ', 7n)])],
    }),
  );
  assert.equal(any(41, [2n]), ALLOW);
  assert.equal(any(41, [10n]), ALLOW);
  assert.equal(any(41, [99n, 7n]), ALLOW);
  assert.equal(any(41, [99n]), EPERM);
});

test('a rule without conditions wins over those with, and the first one over later ones', () => {
  const conditional = rule(['personality'], 'SCMP_ACT_ALLOW', [arg(0, 'EQ', 0n)]);
  for (const order of [
    [conditional, rule(['personality'], 'SCMP_ACT_TRAP'), rule(['personality'], 'SCMP_ACT_LOG')],
    [rule(['personality'], 'SCMP_ACT_TRAP'), rule(['personality'], 'SCMP_ACT_LOG'), conditional],
  ]) {
    const ask = judge(profile({ syscalls: order }));
    assert.equal(ask(135, [0n]), 0x30000);
    assert.equal(ask(135, [5n]), 0x30000);
  }
});

test('each action is the value that the kernel knows', () => {
  for (const [action, expected, errno] of [
    ['SCMP_ACT_KILL', 0],
    ['SCMP_ACT_KILL_THREAD', 0],
    ['SCMP_ACT_KILL_PROCESS', KILL_PROCESS],
    ['SCMP_ACT_TRAP', 0x30000],
    ['SCMP_ACT_ERRNO', 0x50026, 38],
    ['SCMP_ACT_ERRNO', 0x50fff, 65535],
    ['SCMP_ACT_TRACE', 0x7ff00001],
    ['SCMP_ACT_TRACE', 0x7ff00007, 7],
    ['SCMP_ACT_LOG', 0x7ffc0000],
  ] as const)
    assert.equal(judge(profile({ syscalls: [rule(['read'], action, [], errno)] }))(0), expected, action);
  assert.equal(judge(profile({ defaultErrnoRet: 38, syscalls: [rule(['write'])] }))(0), ENOSYS);
});

test('on 32-bit x86 a rule for socket or msgget holds for socketcall and ipc too', () => {
  const ask = judge(
    profile({
      defaultAction: 'SCMP_ACT_ALLOW',
      architectures: ['SCMP_ARCH_X86'],
      syscalls: [rule(['socket', 'msgget'], 'SCMP_ACT_ERRNO')],
    }),
  );
  assert.equal(ask(359, [], AUDIT.x86), EPERM);
  assert.equal(ask(102, [1n], AUDIT.x86), EPERM);
  assert.equal(ask(102, [2n], AUDIT.x86), ALLOW);
  assert.equal(ask(117, [13n], AUDIT.x86), EPERM);
});

test('a listener, and what is no word of the profile language, is refused by name', () => {
  refused({ defaultAction: 'SCMP_ACT_NOTIFY' }, 'SCMP_ACT_NOTIFY');
  refused({ syscalls: [rule(['read'], 'SCMP_ACT_NOTIFY')] }, 'syscalls[0].action');
  refused({ defaultAction: 'ALLOW' }, "'ALLOW'");
  refused({ architectures: ['SCMP_ARCH_PDP11'] }, 'SCMP_ARCH_PDP11');
  refused({ flags: ['SECCOMP_FILTER_FLAG_NEW_LISTENER'] }, 'SECCOMP_FILTER_FLAG_NEW_LISTENER');
  refused({ syscalls: [rule(['read'], 'SCMP_ACT_ALLOW', [arg(6, 'EQ', 0n)])] }, 'args[0].index');
  refused({ syscalls: [rule(['read'], 'SCMP_ACT_ALLOW', [arg(0, 'IS', 0n)])] }, 'SCMP_CMP_IS');
});

test('flags are those of seccomp(2); what needs several threads or a listener is dropped', () => {
  const flags = ['LOG', 'SPEC_ALLOW', 'TSYNC', 'WAIT_KILLABLE_RECV'].map((name) => `SECCOMP_FILTER_FLAG_${name}`);
  assert.equal(compileSeccomp(profile({ flags }), 'SCMP_ARCH_X86_64').flags, 6);
});

test('a profile beyond what the kernel takes is refused', () => {
  const many = Array.from({ length: 1100 }, (_, i) => rule(['read'], 'SCMP_ACT_ALLOW', [arg(0, 'EQ', BigInt(i))]));
  refused({ syscalls: many }, '4096');
});

test('a long list of conditions still works, with jumps farther than 255', () => {
  const many = Array.from({ length: 200 }, (_, i) => rule(['getpid'], 'SCMP_ACT_ALLOW', [arg(0, 'EQ', BigInt(i * 2))]));
  const ask = judge(profile({ syscalls: [rule(['read', 'mseal']), ...many] }));
  assert.equal(ask(0), ALLOW);
  assert.equal(ask(462), ALLOW);
  assert.equal(ask(39, [398n]), ALLOW);
  assert.equal(ask(39, [397n]), EPERM);
});

/** A small generator (xorshift) so that each run asks the same questions. */
function random(seed: number) {
  let state = seed;
  return (below: number) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** The profile's meaning, worked out rule by rule as its specification reads. */
function evaluate(seccomp: LinuxSeccomp, table: ReadonlyMap<string, number>, nr: number, args: bigint[]): number {
  const outcome = ({ action, errnoRet }: { action: string; errnoRet?: number | undefined }) =>
    action === 'SCMP_ACT_ALLOW' ? ALLOW : action === 'SCMP_ACT_LOG' ? 0x7ffc0000 : 0x50000 + (errnoRet ?? 1);
  const byDefault = outcome({ action: seccomp.defaultAction, errnoRet: seccomp.defaultErrnoRet });
  const mine = seccomp.syscalls.filter((each) => each.names.some((name) => table.get(name) === nr));
  const effective = mine.filter((each) => outcome(each) !== byDefault);
  const plain = effective.find((each) => each.args.length === 0);
  if (plain !== undefined) return outcome(plain);
  const holds = ({ index, op, value, valueTwo }: LinuxSeccompArg) => {
    const found = args[Number(index)]!;
    if (op === 'SCMP_CMP_EQ') return found === value;
    if (op === 'SCMP_CMP_NE') return found !== value;
    if (op === 'SCMP_CMP_LT') return found < value;
    if (op === 'SCMP_CMP_LE') return found <= value;
    if (op === 'SCMP_CMP_GE') return found >= value;
    if (op === 'SCMP_CMP_GT') return found > value;
    return (found & value) === (valueTwo & value);
  };
  for (const each of effective) {
    const twice = each.args.some((a, i) => each.args.some((b, j) => i !== j && a.index === b.index));
    if (twice ? each.args.some(holds) : each.args.every(holds)) return outcome(each);
  }
  const named = seccomp.syscalls.flatMap((each) => each.names.map((name) => table.get(name) ?? -1));
  const last = Math.max(-1, ...named);
  const denies = seccomp.defaultAction === 'SCMP_ACT_ERRNO';
  return denies && last >= 0 && nr > last ? ENOSYS : byDefault;
}

test('for 60 made-up profiles the program agrees with the rules, for every system call and many arguments', () => {
  const pick = random(20251121);
  const table = architecturesOf([], 'SCMP_ARCH_X86_64')[0]!.table();
  const names = [...table.keys()];
  const ops = ['NE', 'LT', 'LE', 'EQ', 'GE', 'GT', 'MASKED_EQ'];
  const values = [0n, 1n, 2n, 0xffffffffn, 0x100000000n, 0x100000001n, 0x7e020000n, 2n ** 63n, 2n ** 64n - 1n];
  const value = () => values[pick(values.length)]!;
  let longest = 0;
  for (let round = 0; round < 60; round++) {
    const syscalls = Array.from({ length: pick(40) }, () => {
      const args =
        pick(3) > 0 ? [] : Array.from({ length: 1 + pick(4) }, () => arg(pick(3), ops[pick(7)]!, value(), value()));
      const count = 1 + pick(args.length > 0 ? 3 : 60);
      const chosen = Array.from({ length: count }, () => names[pick(names.length)]!);
      const action = ['SCMP_ACT_ALLOW', 'SCMP_ACT_ERRNO', 'SCMP_ACT_LOG'][pick(3)]!;
      return rule(chosen, action, args, pick(2) === 0 ? undefined : pick(200));
    });
    const seccomp = profile({ syscalls, defaultAction: pick(2) === 0 ? 'SCMP_ACT_ERRNO' : 'SCMP_ACT_ALLOW' });
    const { instructions } = compileSeccomp(seccomp, 'SCMP_ARCH_X86_64');
    for (let nr = 0; nr < 480; nr++)
      for (let sample = 0; sample < 4; sample++) {
        const args = Array.from({ length: 6 }, value);
        const { ret, steps } = interpret(instructions, { nr, arch: AUDIT.x64, args });
        longest = Math.max(longest, steps);
        assert.equal(ret, evaluate(seccomp, table, nr, args), `profile ${round}, system call ${nr}, (${args})`);
      }
  }
  assert.ok(longest < 400, `${longest} steps`);
});

test('an ordinary allow-list takes a few comparisons, not one a system call', () => {
  const table = architecturesOf([], 'SCMP_ARCH_X86_64')[0]!.table();
  const every = [...table.keys()].filter((_, index) => index % 2 === 0);
  const { instructions } = compileSeccomp(profile({ syscalls: [rule(every)] }), 'SCMP_ARCH_X86_64');
  const steps = [...table.values()].map((nr) => interpret(instructions, { nr, arch: AUDIT.x64, args: [] }).steps);
  assert.ok(Math.max(...steps) <= 16, `${Math.max(...steps)} steps`);
});
