/** Where each register is in `struct user_regs_struct` of x86-64, in words of eight bytes. */
export const REGISTER = {
  rbx: 5,
  r10: 7,
  r9: 8,
  r8: 9,
  rax: 10,
  rdx: 12,
  rsi: 13,
  rdi: 14,
  origRax: 15,
  rip: 16,
  rsp: 19,
  fsBase: 21,
} as const;

/** What the kernel says within itself of a call that a signal interrupted: make it again, one way or another. */
const RESTARTED = new Set([-512n, -513n, -514n, -516n]);
const SYSCALL_BYTES = 2n;

/** Whether a thread was stopped while it waited in a system call: it was about nothing else. */
export const waitsInCall = (registers: BigUint64Array): boolean =>
  BigInt.asIntN(64, registers[REGISTER.origRax]!) >= 0n && RESTARTED.has(BigInt.asIntN(64, registers[REGISTER.rax]!));

/**
 * The registers with which a thread that was stopped within a system call makes that call again, with the arguments that it
 * had: what the kernel had noted of the call is gone with the process.
 */
export function restartingCall(registers: BigUint64Array): BigUint64Array {
  const restarting = registers.slice();
  if (waitsInCall(registers)) {
    restarting[REGISTER.rax] = registers[REGISTER.origRax]!;
    restarting[REGISTER.rip] = registers[REGISTER.rip]! - SYSCALL_BYTES;
  }
  restarting[REGISTER.origRax] = BigInt.asUintN(64, -1n);
  return restarting;
}

export const describeSignal = (signal: number): string => `signal ${signal}`;
