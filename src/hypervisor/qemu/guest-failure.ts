import { type ErrorCode, KataError } from '../../errors/kata-error.ts';

/** What is known when a guest did not come up. */
export interface GuestFailureFacts {
  /** What was waited for and what happened: `the guest is expected to … , QEMU ended with 1`. */
  happened: string;
  /** What QEMU wrote to its standard error. */
  stderr: readonly string[];
  /** The last lines of the guest's console. */
  console: readonly string[];
  memoryMib: number;
}

const QUOTED_LINES = 12;
/** Below this a failure is put down to memory even when nobody says so: the kernel may not get as far as a word. */
const SMALL_MEMORY_MIB = 128;

/** What Linux, QEMU's loader and our agent say when there is not enough memory. */
const MEMORY_WORDS =
  /out of memory|not enough memory|deadlocked on memory|cannot allocate memory|failed to allocate|ENOMEM|initramfs unpacking failed|no space left|initrd is too large|does not fit|overlapping address|ROM regions/i;
const PANIC = /Kernel panic - not syncing: .*/;

/** The error for a guest that did not come up: what happened, then what the guest or QEMU said about it. */
export function guestFailure(code: ErrorCode, facts: GuestFailureFacts): KataError {
  const { happened, stderr, console: lines, memoryMib } = facts;
  const panic = lines.map((line) => PANIC.exec(line)?.[0]).find((text) => text !== undefined);
  const memoryLine = [...stderr, ...lines].find((line) => MEMORY_WORDS.test(line));
  const parts = [happened];
  if (stderr.length > 0) parts.push(`QEMU said: ${stderr.slice(-QUOTED_LINES).join(' | ')}`);
  if (panic !== undefined) parts.push(`the guest's kernel panicked: ${panic}`);
  const memory = `the VM has default_memory = ${memoryMib} MiB`;
  if (memoryLine !== undefined) parts.push(`${memory}, and it was said: ${memoryLine.trim()}`);
  else if (memoryMib < SMALL_MEMORY_MIB) parts.push(`${memory}, which may be too little`);
  if (lines.length > 0) parts.push(`the console's last lines:\n${lines.slice(-QUOTED_LINES).join('\n')}`);
  else if (stderr.length === 0) parts.push("the guest's console is empty");
  return new KataError(code, parts.join('; '), {
    hint: hintFor(memoryLine !== undefined || memoryMib < SMALL_MEMORY_MIB, lines.length > 0, memoryMib),
  });
}

function hintFor(memory: boolean, said: boolean, memoryMib: number): string {
  if (memory) return `raise default_memory in [hypervisor.qemu] above ${memoryMib}`;
  if (said) return "set enable_debug = true in [hypervisor.qemu] to see all that the guest's kernel says";
  return 'see whether kernel and initrd in [hypervisor.qemu] belong together, and whether default_memory is enough';
}
