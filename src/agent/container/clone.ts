import { addressOf, syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { check, ERRNO } from '../../os/errno.ts';
import { close } from '../../os/fd.ts';
import { openNamespace, setns } from '../../os/namespace.ts';
import { adopt, type Forked } from '../../os/process.ts';
import { SIGNAL } from '../../os/signal.ts';
import { NR } from '../../syscall/numbers.ts';

const CLONE_PIDFD = 0x1000;
const CLONE_INTO_CGROUP = 0x200000000n;

export interface CloneOptions {
  /** `CLONE` flags of new namespaces. */
  flags?: number;
  /** The cgroup that the child is born in: nothing it does is counted elsewhere. */
  cgroupFd?: number | undefined;
  /** A pid namespace to be born in, or a pidfd of a process whose namespace it shall be. None: ours, or a new one. */
  pidNamespaceFd?: number | undefined;
}

/** fork(2) into a cgroup and namespaces (clone3(2)); null in the child. What os/process.ts says of `fork` holds. */
export function cloneInto(options: CloneOptions): Forked | null {
  if (options.pidNamespaceFd === undefined) return clone3(options);
  const home = openNamespace('/proc/self/ns/pid');
  // Concerns only the children of this process. Set back in this process alone: the child cannot go back, nor need it.
  let forked: Forked | null = null;
  let isChild = false;
  try {
    setns(options.pidNamespaceFd, 'pid');
    forked = clone3(options);
    isChild = forked === null;
  } finally {
    if (!isChild) {
      setns(home, 'pid');
      close(home);
    }
  }
  return forked;
}

function clone3({ flags = 0, cgroupFd }: CloneOptions): Forked | null {
  const pidfd = new Int32Array([-1]);
  // struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, …, cgroup.
  const args = new BigUint64Array(11);
  args[0] = BigInt(flags | CLONE_PIDFD) | (cgroupFd === undefined ? 0n : CLONE_INTO_CGROUP);
  args[1] = addressOf(pidfd);
  args[4] = BigInt(SIGNAL.CHLD);
  args[10] = BigInt(cgroupFd ?? 0);
  const pid = syscall(NR.clone3, args, args.byteLength);
  if (pid === -ERRNO.ENOMEM)
    throw new KataError('failed-precondition', 'no process can be started: the pid namespace ended or memory is full', {
      errno: 'ENOMEM',
    });
  check(pid, 'start a process');
  if (pid === 0) return null;
  adopt(pid);
  return { pid, pidfd: pidfd[0]! };
}
