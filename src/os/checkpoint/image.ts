import type { FileIdentity } from '../file-identity.ts';

/**
 * A process that was saved: all but its pages, which are in a file beside. Addresses are those that it had, and that its
 * restored selves have.
 */
export interface ProcessImage {
  version: 1;
  executable: string;
  /** What remakes the process (`CallProgram`): at the beginning of the file, and where it is put. */
  program: { address: number; bytes: number };
  /**
   * Its lists: what the first thread does; which pages it touches then, if that is known (`addPrefault`); what each thread
   * does for itself; what the first one does last.
   */
  lists: { main: number; prefault: number | null; threads: number[]; last: number };
  /** The first thread first. */
  threads: ThreadState[];
  /** Where the C library keeps the first thread's id. */
  threadIdAddress: number;
  /** Where the file that is its memory is mapped. */
  memory: { start: number; end: number }[];
  /** Mappings of the kernel's own, which move. */
  special: { name: string; start: number; end: number }[];
  /** Where its arguments are, and what they are. */
  commandLine: { start: number; end: number; words: string[] };
  /**
   * Descriptors that a restored process is started with: the file of the pages, the file that is its `memory`, and perhaps a
   * `spare` one that stands for the memory's file once that is mapped.
   */
  descriptors: { pages: number; memory: number; spare: number };
  /** Files that are mapped as they are. */
  files: FileIdentity[];
}

export interface ThreadState {
  /** `struct user_regs_struct`, in decimal. */
  registers: string[];
  signalMask: string;
  /** In the file of the pages. */
  extendedState: { offset: number; bytes: number };
}

/** What the program may take at most; behind it, in the file, the pages begin. */
export const PROGRAM_MAX_BYTES = 1024 * 1024;
/** Where nothing of any program is: position-independent ones begin far above, others below. */
export const PROGRAM_ADDRESS = 0x4000_0000;
