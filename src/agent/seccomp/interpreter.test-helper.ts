import { BPF } from './bpf.ts';

/** One system call as a filter sees it. */
export interface SeccompData {
  nr: number;
  arch: number;
  args: bigint[];
}

/** What a program returns for a system call, and how many instructions it took. Refuses what the kernel would refuse. */
export function interpret(program: Uint8Array, data: SeccompData): { ret: number; steps: number } {
  const memory = new DataView(new ArrayBuffer(64));
  memory.setUint32(0, data.nr, true);
  memory.setUint32(4, data.arch, true);
  for (const [index, value] of data.args.entries()) memory.setBigUint64(16 + index * 8, value, true);
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const count = program.length / 8;
  let a = 0;
  let steps = 0;
  for (let at = 0; ; steps++) {
    if (at >= count) throw new Error(`the program runs out of its end, at ${at}`);
    const code = view.getUint16(at * 8, true);
    const jt = view.getUint8(at * 8 + 2);
    const jf = view.getUint8(at * 8 + 3);
    const k = view.getUint32(at * 8 + 4, true);
    at++;
    if (code === BPF.RETURN) return { ret: k, steps };
    if (code === BPF.LOAD) {
      if (k % 4 !== 0 || k >= 64) throw new Error(`load from ${k}`);
      a = memory.getUint32(k, true);
    } else if (code === BPF.AND) a = (a & k) >>> 0;
    else if (code === BPF.JUMP) at += k;
    else if (code === BPF.JUMP_EQ) at += a === k ? jt : jf;
    else if (code === BPF.JUMP_GT) at += a > k ? jt : jf;
    else if (code === BPF.JUMP_GE) at += a >= k ? jt : jf;
    else throw new Error(`unknown instruction ${code}`);
  }
}
