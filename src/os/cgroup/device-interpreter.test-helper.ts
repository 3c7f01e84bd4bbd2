import { EBPF, INSTRUCTION_SIZE } from './device-program.ts';
import { ACCESS, type DeviceRules } from './device-rule.ts';

/** What a process wants of a device: `ACCESS` bits of a `DEVICE_TYPE`. */
export interface DeviceRequest {
  type: number;
  major: number;
  minor: number;
  access: number;
}

/** What the rules say, word by word: each access that is wanted must be allowed by the last rule that is for it. */
export function evaluate(
  { allowByDefault, rules }: DeviceRules,
  { type, major, minor, access }: DeviceRequest,
): boolean {
  return Object.values(ACCESS).every((bit) => {
    if ((access & bit) === 0) return true;
    const last = rules.findLast(
      (rule) =>
        (rule.type ?? type) === type &&
        (rule.major ?? major) === major &&
        (rule.minor ?? minor) === minor &&
        (rule.access & bit) !== 0,
    );
    return last?.allow ?? allowByDefault;
  });
}

/** What the program answers, and how many instructions it took. Refuses what the kernel's verifier would refuse. */
export function interpret(program: Uint8Array, request: DeviceRequest): { allows: boolean; steps: number } {
  const context = new DataView(new ArrayBuffer(12));
  context.setUint32(0, (request.access << 16) | request.type, true);
  context.setUint32(4, request.major, true);
  context.setUint32(8, request.minor, true);
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const registers: (number | undefined)[] = [];
  const read = (register: number): number => {
    const value = registers[register];
    if (value === undefined) throw new Error(`register ${register} is read before it is written`);
    return value;
  };
  const CONTEXT = 1;
  let steps = 0;
  for (let at = 0; ; steps++) {
    if (at < 0 || at >= program.length / INSTRUCTION_SIZE) throw new Error(`the program runs out of its end, at ${at}`);
    const place = at++ * INSTRUCTION_SIZE;
    const code = view.getUint8(place);
    const to = view.getUint8(place + 1) & 15;
    const from = view.getUint8(place + 1) >> 4;
    const offset = view.getInt16(place + 2, true);
    const value = view.getUint32(place + 4, true);
    if (code === EBPF.EXIT) return { allows: read(0) !== 0, steps };
    if (code === EBPF.LOAD) {
      if (from !== CONTEXT) throw new Error(`load by register ${from}`);
      registers[to] = context.getUint32(offset, true);
    } else if (code === EBPF.MOVE) registers[to] = value;
    else if (code === EBPF.COPY) registers[to] = read(from);
    else if (code === EBPF.AND) registers[to] = (read(to) & value) >>> 0;
    else if (code === EBPF.SHIFT_RIGHT) registers[to] = read(to) >>> value;
    else if (code === EBPF.JUMP) at += offset;
    else if (code === EBPF.JUMP_NOT_EQUAL) at += read(to) === value ? 0 : offset;
    else if (code === EBPF.JUMP_ANY_BIT) at += (read(to) & value) === 0 ? 0 : offset;
    else throw new Error(`unknown instruction ${code}`);
  }
}
