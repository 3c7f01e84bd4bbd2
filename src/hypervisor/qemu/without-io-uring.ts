import { addressOf, syscall } from 'sys';
import { check, ERRNO } from '../../os/errno.ts';
import { NR } from '../../syscall/numbers.ts';

const SECCOMP_SET_MODE_FILTER = 1;
const SECCOMP_RET_ERRNO = 0x0005_0000;
const SECCOMP_RET_ALLOW = 0x7fff_0000;
const AUDIT_ARCH_X86_64 = 0xc000_003e;
/** Of `struct seccomp_data`. */
const [NUMBER_AT, ARCH_AT] = [0, 4];
/** Instructions of classic BPF (linux/filter.h). */
const BPF = { LOAD_WORD: 0x20, JUMP_IF_EQUAL: 0x15, RETURN: 0x06 } as const;

/**
 * Takes io_uring from this process and what it executes, as from one on a kernel without: a QEMU that has used it cannot be
 * saved, and newer ones wait for all that happens by it (11.0 does, 10.0 does not).
 */
export function doWithoutIoUring(): void {
  const program = [
    instruction(BPF.LOAD_WORD, 0, 0, ARCH_AT),
    instruction(BPF.JUMP_IF_EQUAL, 0, 3, AUDIT_ARCH_X86_64),
    instruction(BPF.LOAD_WORD, 0, 0, NUMBER_AT),
    instruction(BPF.JUMP_IF_EQUAL, 0, 1, NR.io_uring_setup),
    instruction(BPF.RETURN, 0, 0, SECCOMP_RET_ERRNO | ERRNO.ENOSYS),
    instruction(BPF.RETURN, 0, 0, SECCOMP_RET_ALLOW),
  ];
  const filter = new BigUint64Array(program);
  const prog = new BigUint64Array([BigInt(program.length), addressOf(filter)]);
  check(syscall(NR.seccomp, SECCOMP_SET_MODE_FILTER, 0, prog), 'do without io_uring');
}

/** `struct sock_filter`: code, how far to jump when it holds and when not, and a number. */
const instruction = (code: number, whenTrue: number, whenFalse: number, k: number): bigint =>
  BigInt(code) | (BigInt(whenTrue) << 16n) | (BigInt(whenFalse) << 24n) | (BigInt(k) << 32n);
