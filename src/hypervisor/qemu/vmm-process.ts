import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import type { ProcessImage } from '../../os/checkpoint/image.ts';
import { restoreImage } from '../../os/checkpoint/restore.ts';
import { becomeTraceable } from '../../os/checkpoint/tracee.ts';
import { close, pipe, setNonBlocking } from '../../os/fd.ts';
import { isExecutable } from '../../os/file.ts';
import { type ChildProcess, type ExitStatus, exitNow, findExecutable, run, spawn } from '../../os/process.ts';
import { SIGNAL } from '../../os/signal.ts';
import { NR } from '../../syscall/numbers.ts';
import { ConsoleRing } from './console-ring.ts';
import { LineCapture } from './line-capture.ts';
import type { QmpVersion } from './qmp-messages.ts';
import { parseVersionText } from './version.ts';
import { doWithoutIoUring } from './without-io-uring.ts';

const STDERR_LINES = 20;
/**
 * Huge pages for glibc's heap: QEMU asks for 20 MiB of small pieces before it runs, each page of which is a fault. A VM is
 * restored in 70 ms instead of 105, for 7 MiB (15 restores each, in turns); another C library does not look.
 */
const ENVIRONMENT = [
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  'GLIBC_TUNABLES=glibc.malloc.hugetlb=1',
];
const VERSION_TIMEOUT_MS = 5000;

/** Where the binary is. `not-found` says how to get it. */
export function findVmm(path: string): string {
  const hint = 'apt install qemu-system-x86, or set path in [hypervisor.qemu]';
  try {
    const found = findExecutable(path);
    if (isExecutable(found)) return found;
  } catch (error) {
    throw new KataError('not-found', `QEMU is expected as ${path}: ${KataError.from(error).message}`, {
      hint,
      cause: error,
    });
  }
  throw new KataError('not-found', `QEMU is expected at ${path}, no program is there`, { hint });
}

/** QEMU's process. It ends with ours, however ours ends, and gets no signal of our terminal. */
export class VmmProcess {
  readonly #child: ChildProcess;
  readonly #stderr: LineCapture;
  readonly #ring = new ConsoleRing(STDERR_LINES);
  /** Settles when it is gone; by then its last words are there. */
  readonly exited: Promise<ExitStatus>;

  /**
   * @param descriptors by their numbers in QEMU; they stay the caller's
   * @param saved the QEMU that this one is to go on from, where that one had stopped; its descriptors are among them
   * @param isToBeSaved whether this one is to be saved itself
   */
  constructor(
    path: string,
    args: readonly string[],
    descriptors: ReadonlyMap<number, number>,
    saved: { image: ProcessImage; pagesPath: string } | null,
    isToBeSaved: boolean,
  ) {
    const [stderrRead, stderrWrite] = pipe();
    const parent = syscall(NR.getpid);
    try {
      this.#child = spawn(saved === null ? [path, ...args] : [saved.image.executable], {
        fds: new Map([...descriptors, [2, stderrWrite]]),
        env: ENVIRONMENT,
        parentDeathSignal: SIGNAL.KILL,
        newSession: true,
        // Had we ended before the child asked for the signal, it would never come.
        beforeExec: () => {
          if (syscall(NR.getppid) !== parent) exitNow(1);
          if (saved !== null) becomeTraceable();
          if (isToBeSaved) doWithoutIoUring();
        },
      });
    } catch (error) {
      close(stderrRead);
      throw error;
    } finally {
      close(stderrWrite);
    }
    try {
      // Before anybody waits for it: whoever waits would be told of its stops.
      if (saved !== null)
        restoreImage(this.pid, saved.image, {
          path: saved.pagesPath,
          commandLine: (words) => renamed(words, args),
          hasSpare: descriptors.has(saved.image.descriptors.spare),
        });
    } catch (error) {
      close(stderrRead);
      this.kill();
      void this.#child.wait();
      throw error;
    }
    setNonBlocking(stderrRead);
    this.#stderr = new LineCapture(stderrRead, this.#ring);
    this.exited = this.#child.wait().then((status) => {
      this.#stderr.close();
      return status;
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The end if it is known by now. */
  get status(): ExitStatus | undefined {
    return this.#child.status;
  }

  /** What it wrote to its standard error, the last lines. */
  get stderr(): string[] {
    return this.#ring.lines();
  }

  kill(): void {
    this.#child.kill(SIGNAL.KILL);
  }
}

/** The words that a QEMU was started with, but for the name of its sandbox: that is the one in `args`. */
function renamed(words: readonly string[], args: readonly string[]): string[] {
  const name = args[args.indexOf('-name') + 1]!;
  return words.map((word, index) => (words[index - 1] === '-name' ? name : word));
}

/** `QEMU ended with status 1`, `QEMU was ended by signal 9`. */
export const describeExit = ({ code, signal }: ExitStatus): string =>
  signal === 0 ? `QEMU ended with status ${code}` : `QEMU was ended by signal ${signal}`;

/** The version that a QEMU binary tells, by a process of its own: a VM that starts learns it from QMP. */
export async function versionOf(path: string): Promise<QmpVersion> {
  const { stdout } = await run([path, '--version'], { timeoutMs: VERSION_TIMEOUT_MS });
  const version = parseVersionText(stdout);
  if (version !== null) return version;
  throw new KataError(
    'failed-precondition',
    `${path} --version is expected to be QEMU's, found ${JSON.stringify(stdout)}`,
  );
}
