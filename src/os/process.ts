import { addressOf, syscall } from 'sys';
import { KataError } from '../errors/kata-error.ts';
import { NR } from '../syscall/numbers.ts';
import { check, ERRNO, systemError } from './errno.ts';
import { close, moveTo, O, open, pipe, setNonBlocking, writeSync } from './fd.ts';
import { isExecutable, readToEnd } from './file.ts';
import { readable } from './loop.ts';
import { readOutput } from './read-output.ts';
import { resetSignals, SIGNAL } from './signal.ts';
import { withTimeout } from './timer.ts';
import { utf8Decode, utf8Encode } from './utf8.ts';

const CLONE_PIDFD = 0x1000;
const P_PIDFD = 3;
const WEXITED = 4;
const WNOHANG = 1;
const CLD_EXITED = 1;
const PR_SET_PDEATHSIG = 1;
const CLOSE_RANGE_CLOEXEC = 4;

/** How a process ended. */
export interface ExitStatus {
  /** The shell's number: the exit code, or 128 + the signal. */
  code: number;
  /** The signal that ended it, 0 when it exited by itself. */
  signal: number;
}

export interface Forked {
  pid: number;
  /** A descriptor for exactly this process: pids are reused, this is not. */
  pidfd: number;
}

/** Children that somebody here waits for, by pid. */
const children = new Set<number>();

/** Whether `pid` is a child that this program started and has not fetched yet: init reaps all others. */
export function isChild(pid: number): boolean {
  return children.has(pid);
}

/**
 * Counts a process as a child that somebody here waits for: one that a child started, which comes to this process, its
 * subreaper or init, when that child ends.
 */
export function adopt(pid: number): void {
  children.add(pid);
}

/**
 * fork(2), with more `CLONE_*` flags if wanted; null in the child. There is one thread, so the child may go on in
 * TypeScript; it must end with exec or `exitNow`, and never return to the event loop unless it called `resetAfterFork`.
 */
export function fork(flags = 0): Forked | null {
  const pidfd = new Int32Array([-1]);
  const pid = check(syscall(NR.clone, flags | CLONE_PIDFD | SIGNAL.CHLD, 0, pidfd, 0, 0), 'fork');
  if (pid === 0) return null;
  children.add(pid);
  return { pid, pidfd: pidfd[0]! };
}

/** Ends this process at once, with nothing run on the way (exit_group(2)). */
export function exitNow(status: number): never {
  for (;;) syscall(NR.exit_group, status);
}

/** execve(2); returns only to throw. */
export function exec(path: string, argv: readonly string[], env: readonly string[]): never {
  const keep: Uint8Array[] = [];
  const vector = (strings: readonly string[]): BigUint64Array => {
    const pointers = new BigUint64Array(strings.length + 1);
    strings.forEach((text, i) => {
      if (text.includes('\0'))
        throw new KataError('invalid-argument', `text without a NUL byte is expected, found ${JSON.stringify(text)}`);
      const bytes = utf8Encode(`${text}\0`);
      keep.push(bytes);
      pointers[i] = addressOf(bytes);
    });
    return pointers;
  };
  const result = syscall(NR.execve, path, vector(argv), vector(env));
  throw systemError(result, `execute ${path} (${keep.length} strings)`);
}

/** The file that `name` means: a path as it is, a bare name looked up in `searchPath`. */
export function findExecutable(
  name: string,
  searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
): string {
  if (name.includes('/')) return name;
  for (const folder of searchPath.split(':')) {
    const path = `${folder || '.'}/${name}`;
    if (isExecutable(path)) return path;
  }
  throw new KataError('not-found', `${name} is needed, none of ${searchPath} holds it`, { errno: 'ENOENT' });
}

export interface SpawnOptions {
  /** The program's environment, all of it. Default: nothing but PATH. */
  env?: readonly string[];
  cwd?: string;
  /** Descriptors for the child by its own numbers; 0, 1 and 2 that are not named are /dev/null. */
  fds?: ReadonlyMap<number, number>;
  /** The signal it gets when this process ends, however it ends (PR_SET_PDEATHSIG). */
  parentDeathSignal?: number;
  /** A session of its own: no signal of our terminal reaches it. */
  newSession?: boolean;
  /** Runs in the child just before exec: enter namespaces, set limits. What it throws is what spawn throws. */
  beforeExec?: () => void;
}

/** A child process. It must be waited for, or it stays as a zombie. */
export class ChildProcess {
  readonly pid: number;
  readonly #pidfd: number;
  #status: ExitStatus | undefined;
  #waiting: Promise<ExitStatus> | undefined;

  constructor(forked: Forked) {
    this.pid = forked.pid;
    this.#pidfd = forked.pidfd;
  }

  /** How it ended; may be asked often. */
  wait(): Promise<ExitStatus> {
    this.#waiting ??= this.#reap();
    return this.#waiting;
  }

  /** The end if it is known by now. */
  get status(): ExitStatus | undefined {
    return this.#status;
  }

  /** Sends a signal; whether there was a process to get it. */
  kill(signal: number): boolean {
    if (this.#status !== undefined) return false;
    return syscall(NR.pidfd_send_signal, this.#pidfd, signal, null, 0) === 0;
  }

  async #reap(): Promise<ExitStatus> {
    for (;;) {
      const status = reap(this.#pidfd, WNOHANG);
      if (status !== null) {
        this.#status = status;
        close(this.#pidfd);
        return status;
      }
      await readable(this.#pidfd);
    }
  }
}

function reap(pidfd: number, flags: number): ExitStatus | null {
  const info = new Int32Array(32);
  for (;;) {
    const result = syscall(NR.waitid, P_PIDFD, pidfd, info, WEXITED | flags, null);
    if (result === -ERRNO.EINTR) continue;
    check(result, 'wait for a child');
    // struct siginfo for SIGCHLD: code at 8, pid at 16, status at 24. No pid: it still runs.
    if (info[4] === 0) return null;
    children.delete(info[4]!);
    const status = info[6]!;
    return info[2] === CLD_EXITED ? { code: status, signal: 0 } : { code: 128 + status, signal: status };
  }
}

/** Waits, blocking, for a fork that is about to end. */
export function waitSync(forked: Forked): ExitStatus {
  try {
    return reap(forked.pidfd, 0)!;
  } finally {
    close(forked.pidfd);
  }
}

/**
 * Starts a program and returns when it has replaced the child: that it could not be started is an error here. It gets
 * just the descriptors that `fds` names.
 */
export function spawn(argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
  const path = findExecutable(argv[0]!);
  const env = options.env ?? ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'];
  const parent = syscall(NR.getpid);
  const [failureRead, failureWrite] = pipe();
  let forked: Forked | null;
  try {
    forked = fork();
  } catch (error) {
    close(failureRead);
    close(failureWrite);
    throw error;
  }
  if (forked === null) {
    const fds = options.fds ?? new Map();
    // Above every number that the child will use, so that nothing put into place overwrites it.
    const above = Math.max(2, ...fds.keys()) + 1;
    let failureFd = failureWrite;
    try {
      failureFd = duplicateAbove(failureWrite, above);
      setUpChild(options, parent);
      placeDescriptors(fds, above);
      exec(path, argv, env);
    } catch (error) {
      const failure = KataError.from(error);
      writeSync(failureFd, utf8Encode(JSON.stringify([failure.code, failure.message, failure.errno ?? null])));
      exitNow(127);
    }
  }
  close(failureWrite);
  const failure = utf8Decode(readToEnd(failureRead));
  close(failureRead);
  if (failure === '') return new ChildProcess(forked);
  waitSync(forked);
  const [code, message, errno] = JSON.parse(failure);
  throw new KataError(code, `start ${path}: ${message}`, { errno: errno ?? undefined });
}

function setUpChild(options: SpawnOptions, parent: number): void {
  if (options.parentDeathSignal !== undefined) {
    check(syscall(NR.prctl, PR_SET_PDEATHSIG, options.parentDeathSignal, 0, 0, 0), 'set the parent death signal');
    // It may have ended before that, and no signal comes.
    if (syscall(NR.getppid) !== parent) exitNow(128 + options.parentDeathSignal);
  }
  if (options.newSession) check(syscall(NR.setsid), 'start a session');
  resetSignals();
  options.beforeExec?.();
  if (options.cwd !== undefined) check(syscall(NR.chdir, options.cwd), `enter ${options.cwd}`);
}

function duplicateAbove(fd: number, lowest: number): number {
  const F_DUPFD_CLOEXEC = 1030;
  return check(syscall(NR.fcntl, fd, F_DUPFD_CLOEXEC, lowest), `duplicate descriptor ${fd}`);
}

function placeDescriptors(fds: ReadonlyMap<number, number>, above: number): void {
  // Ours are close-on-exec already; those that we were started with need not be.
  check(syscall(NR.close_range, 3, 0xffffffff, CLOSE_RANGE_CLOEXEC), 'set close-on-exec of all descriptors');
  // First out of the way of every target number, then into place: no move overwrites what is still to be moved.
  const nothing = open('/dev/null', O.RDWR);
  const targets = new Map([0, 1, 2].map((fd) => [fd, nothing]));
  for (const [target, fd] of fds) targets.set(target, fd);
  const moves = [...targets].map(([target, fd]) => [target, duplicateAbove(fd, above)] as const);
  for (const [target, fd] of moves) moveTo(fd, target);
}

export interface RunResult {
  status: ExitStatus;
  stdout: string;
  stderr: string;
}

export interface RunOptions extends Omit<SpawnOptions, 'fds'> {
  /** Default: no limit. At the limit it is killed, and `deadline-exceeded` thrown. */
  timeoutMs?: number;
  /** Rejects when nobody wants it any more: it is killed, and the reason thrown. */
  unwanted?: Promise<never>;
  /** What it reads: at most 64 KiB, what a pipe holds. Default: nothing. */
  stdin?: string;
}

/** Runs a program to its end and gathers what it prints. A status other than 0 is for the caller to judge. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [outRead, outWrite] = pipe();
  const [errRead, errWrite] = pipe();
  const fds = new Map([
    [1, outWrite],
    [2, errWrite],
  ]);
  if (options.stdin !== undefined) fds.set(0, pipeHolding(options.stdin));
  let child: ChildProcess;
  try {
    child = spawn(argv, { ...options, fds });
  } catch (error) {
    close(outRead);
    close(errRead);
    throw error;
  } finally {
    for (const fd of fds.values()) close(fd);
  }
  const ended = Promise.all([child.wait(), readOutput(outRead), readOutput(errRead)]);
  const all = options.unwanted === undefined ? ended : Promise.race([ended, options.unwanted]);
  try {
    const [status, stdout, stderr] = await (options.timeoutMs === undefined
      ? all
      : withTimeout(
          all,
          options.timeoutMs,
          `${argv[0]} is expected to end within ${options.timeoutMs} ms, it still runs`,
        ));
    return { status, stdout, stderr };
  } catch (error) {
    child.kill(SIGNAL.KILL);
    await child.wait();
    throw error;
  } finally {
    close(outRead);
    close(errRead);
  }
}

/** The reading end of a pipe that has all of `text` in it. */
function pipeHolding(text: string): number {
  const [readFd, writeFd] = pipe(O.NONBLOCK);
  try {
    writeSync(writeFd, utf8Encode(text));
    setNonBlocking(readFd, false);
    return readFd;
  } catch (error) {
    close(readFd);
    throw error;
  } finally {
    close(writeFd);
  }
}

/** Runs a program that is expected to succeed; its output. What it said on its way to failing is in the error. */
export async function runChecked(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const { status, stdout, stderr } = await run(argv, options);
  if (status.code === 0) return stdout;
  const said = (stderr.trim() || stdout.trim()).split('\n').slice(-5).join(' | ');
  throw new KataError('internal', `${argv.join(' ')} is expected to succeed, it ended with ${status.code}: ${said}`);
}
