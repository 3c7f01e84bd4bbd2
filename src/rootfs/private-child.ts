import { syscall } from 'sys';
import { KataError } from '../errors/kata-error.ts';
import { check, isErrno } from '../os/errno.ts';
import { close, moveTo, O, open, pipe, writeSync } from '../os/fd.ts';
import { MS, setPropagation } from '../os/mount.ts';
import { CLONE, unshare } from '../os/namespace.ts';
import { ChildProcess, type ExitStatus, exec, exitNow, fork } from '../os/process.ts';
import { readOutput } from '../os/read-output.ts';
import { resetSignals, SIGNAL } from '../os/signal.ts';
import { utf8Encode } from '../os/utf8.ts';
import { NR } from '../syscall/numbers.ts';

const PR_SET_PDEATHSIG = 1;
/** Standard output and error together are kept up to this. */
const MAX_OUTPUT_BYTES = 64 * 1024;
const ENVIRONMENT = ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL=C'];

/**
 * Runs `body` in a child process with a mount namespace of its own, then the program whose arguments it answers. What is
 * mounted there is seen by nobody else and ends with the child, however it ends; the child ends with us. The result is how
 * the program ended and what it printed; what `body` throws is thrown here.
 */
export async function runInPrivateMounts(
  body: () => readonly [path: string, ...argv: string[]],
): Promise<{ status: ExitStatus; output: string }> {
  const [failureRead, failureWrite] = pipe();
  const [outputRead, outputWrite] = pipe();
  const parent = syscall(NR.getpid);
  const forked = fork();
  if (forked === null) {
    try {
      enterPrivateMounts(parent);
      moveTo(open('/dev/null', O.RDWR), 0);
      moveTo(outputWrite, 1);
      moveTo(outputWrite, 2);
      const argv = body();
      exec(argv[0], argv, ENVIRONMENT);
    } catch (error) {
      const { code, message, hint, errno } = KataError.from(error);
      writeSync(failureWrite, utf8Encode(JSON.stringify({ code, message, hint, errno })));
      exitNow(127);
    }
  }
  close(failureWrite);
  close(outputWrite);
  const child = new ChildProcess(forked);
  try {
    const [failure, output, status] = await Promise.all([
      readOutput(failureRead, MAX_OUTPUT_BYTES),
      readOutput(outputRead, MAX_OUTPUT_BYTES),
      child.wait(),
    ]);
    if (failure === '') return { status, output };
    const { code, message, hint, errno } = JSON.parse(failure);
    throw new KataError(code, message, { hint, errno });
  } finally {
    close(failureRead);
    close(outputRead);
  }
}

function enterPrivateMounts(parent: number): void {
  check(syscall(NR.prctl, PR_SET_PDEATHSIG, SIGNAL.KILL, 0, 0, 0), 'set the parent death signal');
  if (syscall(NR.getppid) !== parent) exitNow(127);
  resetSignals();
  unshare(CLONE.NEWNS);
  try {
    setPropagation('/', MS.PRIVATE | MS.REC);
  } catch (error) {
    if (!isErrno(error, 'EINVAL')) throw error;
    throw new KataError(
      'failed-precondition',
      'the root folder / is expected to be a mount point, it is a plain folder',
      {
        hint: 'in a chroot, bind-mount its folder onto itself before entering it',
        cause: error,
      },
    );
  }
}
