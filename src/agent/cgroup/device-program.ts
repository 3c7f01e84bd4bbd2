import type { LinuxDevice } from '../../protocols/gen/oci.ts';

/** What a container may do with which devices; -1: whichever number. */
export interface DeviceRule {
  type: 'c' | 'b';
  major: number;
  minor: number;
  /** Of r, w and m: open to read, open to write, make a node. */
  access: string;
}

/**
 * What every container may use: it may make any node, and open those that the runtime-spec and terminals need (config-linux,
 * "Default Devices"; the list of runc).
 */
const DEFAULT_RULES: readonly DeviceRule[] = [
  { type: 'c', major: -1, minor: -1, access: 'm' },
  { type: 'b', major: -1, minor: -1, access: 'm' },
  ...[3, 5, 7, 8, 9].map((minor): DeviceRule => ({ type: 'c', major: 1, minor, access: 'rwm' })),
  // The controlling terminal, the console, the multiplexer of pseudo-terminals, and these.
  ...[0, 1, 2].map((minor): DeviceRule => ({ type: 'c', major: 5, minor, access: 'rwm' })),
  { type: 'c', major: 136, minor: -1, access: 'rwm' },
];

/** The default rules and one for each device of the spec. */
export function deviceRules(devices: readonly LinuxDevice[]): DeviceRule[] {
  const own = devices.flatMap(({ type, major, minor }): DeviceRule[] =>
    type === 'p' ? [] : [{ type: type === 'b' ? 'b' : 'c', major: Number(major), minor: Number(minor), access: 'rwm' }],
  );
  return [...DEFAULT_RULES, ...own];
}

/** eBPF (kernel documentation, bpf/standardization/instruction-set): 64-bit ALU and jumps with a constant, and loads. */
const LOAD_WORD = 0x61;
const MOVE = 0xb7;
const MOVE_REGISTER = 0xbf;
const AND = 0x57;
const SHIFT_RIGHT = 0x77;
const JUMP_UNLESS_EQUAL = 0x55;
const EXIT = 0x95;

const [RESULT, CONTEXT, TYPE, ACCESS, MAJOR, MINOR, REST] = [0, 1, 2, 3, 4, 5, 6] as const;
/** `BPF_DEVCG_DEV_*` and `BPF_DEVCG_ACC_*` of linux/bpf.h. */
const TYPES = { b: 1, c: 2 } as const;
const ACCESSES: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 };
const ALL = 7;

type Instruction = readonly [code: number, target: number, source: number, offset: number, constant: number];

/**
 * The program of a cgroup (BPF_PROG_TYPE_CGROUP_DEVICE) that allows what a rule allows, and nothing else. It sees
 * `struct bpf_cgroup_dev_ctx`: access above type in one word, then major and minor.
 */
export function deviceProgram(rules: readonly DeviceRule[]): Uint8Array {
  const program: Instruction[] = [
    [LOAD_WORD, TYPE, CONTEXT, 0, 0],
    [MOVE_REGISTER, ACCESS, TYPE, 0, 0],
    [AND, TYPE, 0, 0, 0xffff],
    [SHIFT_RIGHT, ACCESS, 0, 0, 16],
    [LOAD_WORD, MAJOR, CONTEXT, 4, 0],
    [LOAD_WORD, MINOR, CONTEXT, 8, 0],
  ];
  for (const rule of rules) program.push(...ruleInstructions(rule));
  program.push([MOVE, RESULT, 0, 0, 0], [EXIT, 0, 0, 0, 0]);
  return encode(program);
}

function ruleInstructions({ type, major, minor, access }: DeviceRule): Instruction[] {
  const allowed = [...access].reduce((bits, letter) => bits | (ACCESSES[letter] ?? 0), 0);
  const tests: [register: number, value: number][] = [[TYPE, TYPES[type]]];
  if (major !== -1) tests.push([MAJOR, major]);
  if (minor !== -1) tests.push([MINOR, minor]);
  const body: Instruction[] = [];
  // Each test that fails goes on behind the rule: over what is left of the tests, of the check of access, and the end.
  const length = tests.length + 5;
  for (const [register, value] of tests) body.push([JUMP_UNLESS_EQUAL, register, 0, length - body.length - 1, value]);
  body.push([MOVE_REGISTER, REST, ACCESS, 0, 0]);
  body.push([AND, REST, 0, 0, ALL & ~allowed]);
  body.push([JUMP_UNLESS_EQUAL, REST, 0, 2, 0]);
  body.push([MOVE, RESULT, 0, 0, 1]);
  body.push([EXIT, 0, 0, 0, 0]);
  return body;
}

function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * 8);
  const fields = new DataView(bytes.buffer);
  program.forEach(([code, target, source, offset, constant], index) => {
    fields.setUint8(index * 8, code);
    fields.setUint8(index * 8 + 1, (source << 4) | target);
    fields.setInt16(index * 8 + 2, offset, true);
    fields.setInt32(index * 8 + 4, constant, true);
  });
  return bytes;
}
