import { KataError } from '../../errors/kata-error.ts';
import { NR } from '../../syscall/numbers.ts';
import { check } from '../errno.ts';
import { O } from '../fd.ts';
import { letGo } from './freeze.ts';
import { mappingsOf } from './memory-map.ts';
import { syscallInstruction } from './process-facts.ts';
import { restartingCall } from './registers.ts';
import { Stops } from './stops.ts';
import { Tracee } from './tracee.ts';

/**
 * Puts one descriptor of another process in the place of another one of its own, which is closed: its first thread is stopped
 * for a moment, whatever it is about, and makes the call (dup3(2)). It is a child of this process and a process group of its own.
 * `permission-denied` where nobody may trace (ptrace(2), `kernel.yama.ptrace_scope` 3).
 */
export function replaceDescriptor(pid: number, from: number, to: number): void {
  const vdso = mappingsOf(pid).find(({ special }) => special === 'vdso');
  if (vdso === undefined) throw new KataError('unimplemented', `process ${pid} is expected to have a vdso`);
  const instruction = syscallInstruction(pid, vdso);
  const thread = Tracee.seize(pid, new Stops(pid));
  try {
    const registers = restartingCall(thread.registers());
    const result = thread.call(instruction, NR.dup3, from, to, O.CLOEXEC);
    thread.setRegisters(registers);
    check(result, `replace descriptor ${to} of process ${pid}`);
  } finally {
    letGo([thread]);
  }
}
