import { KataError } from '../../errors/kata-error.ts';
import { parseSyscallTable, type SyscallTable } from './syscall-table.ts';
import { AARCH64_SYSCALLS } from './syscall-table-aarch64.ts';
import { ARM_SYSCALLS } from './syscall-table-arm.ts';
import { I386_SYSCALLS } from './syscall-table-i386.ts';
import { X32_SYSCALLS } from './syscall-table-x32.ts';
import { X86_64_SYSCALLS } from './syscall-table-x86-64.ts';

/** Marks system calls of x32 programs, which share the architecture of 64-bit ones (asm/unistd.h). */
export const X32_BIT = 0x4000_0000;

export type NativeArchitecture = 'SCMP_ARCH_X86_64' | 'SCMP_ARCH_AARCH64';

/** One ABI of system calls that a kernel serves. */
export interface Architecture {
  name: string;
  /** `seccomp_data.arch`: an AUDIT_ARCH of linux/audit.h. */
  audit: number;
  /** Whether arguments have 64 bits. */
  wide: boolean;
  /** Its system calls, read when first asked for and kept. */
  table(): SyscallTable;
}

function once(read: () => SyscallTable): () => SyscallTable {
  let table: SyscallTable | undefined;
  return () => {
    table ??= read();
    return table;
  };
}

const X86_64: Architecture = {
  name: 'SCMP_ARCH_X86_64',
  audit: 0xc000_003e,
  wide: true,
  table: once(() => parseSyscallTable(X86_64_SYSCALLS)),
};
const X86: Architecture = {
  name: 'SCMP_ARCH_X86',
  audit: 0x4000_0003,
  wide: false,
  table: once(() => parseSyscallTable(I386_SYSCALLS)),
};
const X32: Architecture = {
  name: 'SCMP_ARCH_X32',
  audit: X86_64.audit,
  wide: true,
  table: once(() => parseSyscallTable(X32_SYSCALLS, X32_BIT)),
};
const AARCH64: Architecture = {
  name: 'SCMP_ARCH_AARCH64',
  audit: 0xc000_00b7,
  wide: true,
  table: once(() => parseSyscallTable(AARCH64_SYSCALLS)),
};
const ARM: Architecture = {
  name: 'SCMP_ARCH_ARM',
  audit: 0x4000_0028,
  wide: false,
  table: once(() => parseSyscallTable(ARM_SYSCALLS)),
};

/** What a kernel can run, its own first. */
const SERVED: Readonly<Record<NativeArchitecture, readonly Architecture[]>> = {
  SCMP_ARCH_X86_64: [X86_64, X86, X32],
  SCMP_ARCH_AARCH64: [AARCH64, ARM],
};

/** Architectures of the runtime-spec. Those of another kernel may be listed: no program of theirs runs here. */
const KNOWN = new Set(
  [
    ...['MIPS', 'MIPS64', 'MIPS64N32', 'MIPSEL', 'MIPSEL64', 'MIPSEL64N32', 'PPC', 'PPC64', 'PPC64LE', 'S390'],
    ...['S390X', 'PARISC', 'PARISC64', 'RISCV64', 'LOONGARCH64', 'M68K', 'SH', 'SHEB'],
    ...['X86_64', 'X86', 'X32', 'AARCH64', 'ARM'],
  ].map((name) => `SCMP_ARCH_${name}`),
);

/**
 * The architectures that a profile's list lets a program use, the kernel's own always and first. Throws
 * `invalid-argument` for a name that is none.
 */
export function architecturesOf(names: readonly string[], native: NativeArchitecture): Architecture[] {
  for (const name of names)
    if (!KNOWN.has(name) && name !== 'SCMP_ARCH_NATIVE')
      throw new KataError(
        'invalid-argument',
        `linux.seccomp.architectures: expected names like SCMP_ARCH_X86_64, found '${name}'`,
        { hint: 'remove it from the profile' },
      );
  return SERVED[native].filter(({ name }) => name === native || names.includes(name));
}
