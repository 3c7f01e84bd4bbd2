import { addressOf, syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { check, ERRNO, isErrno } from '../../os/errno.ts';
import { writeControl } from '../../os/file.ts';
import { resetSignals } from '../../os/signal.ts';
import { utf8Decode } from '../../os/utf8.ts';
import { NR } from '../../syscall/numbers.ts';
import { dropBounding, keepCapabilities, setCapabilities } from './apply-capabilities.ts';
import type { ChildEnd } from './channel.ts';
import { environmentValue, execute } from './execute.ts';
import type { ProcessPlan } from './plan-process.ts';
import { readImageFile } from './root-files.ts';
import { step } from './step.ts';
import { type Credentials, resolveUser } from './users.ts';

const PR_SET_DUMPABLE = 4;
const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_SET_MODE_FILTER = 1;
const CLOSE_RANGE_ALL = 0xffffffff;

/** First of all in a child: what belongs to the agent ends here. */
export function leaveAgent(): void {
  // The container may look at us through its /proc before we are its program; what we still hold is not for it.
  check(syscall(NR.prctl, PR_SET_DUMPABLE, 0, 0, 0, 0), 'hide from the container');
  check(syscall(NR.setsid), 'start a session');
  syscall(NR.umask, 0);
}

/** Sets the score by which the kernel picks its victims (proc_pid_oom_score_adj(5)); what keeps it from that, or null. */
export function setOomScore({ oomScoreAdj }: ProcessPlan): string | null {
  if (oomScoreAdj === undefined) return null;
  try {
    writeControl('/proc/self/oom_score_adj', `${oomScoreAdj}`);
    return null;
  } catch (error) {
    // Lowering needs CAP_SYS_RESOURCE. A guest's init has it; the container is none the worse without.
    if (!isErrno(error, 'EACCES', 'EPERM')) throw error;
    return `oom_score_adj ${oomScoreAdj}: ${KataError.from(error).message}`;
  }
}

/** Closes every descriptor from `first` on: the agent's, which a path like /proc/self/fd/5 of an image could reach. */
export function closeFrom(first: number): void {
  check(syscall(NR.close_range, first, CLOSE_RANGE_ALL, 0), 'close the descriptors of the agent');
}

/** Whom the process is to run as, by the files of the root that this child is in by now. */
export function lookUpUser(plan: ProcessPlan): Credentials {
  const needsHome = !environmentValue(plan.env, 'HOME');
  return step('find the user', () =>
    resolveUser(plan.user, plan.stringUser, needsHome, {
      passwd: readOnce('/etc/passwd'),
      group: readOnce('/etc/group'),
    }),
  );
}

/** A number is looked up as a name first: the same file, asked twice. */
function readOnce(path: string): () => string {
  let text: string | undefined;
  return () => {
    text ??= readImageFile(path);
    return text;
  };
}

/** Resource limits, while there still is the right to raise them. */
export function setRlimits({ rlimits }: ProcessPlan): void {
  for (const { resource, soft, hard, name } of rlimits)
    check(
      syscall(NR.prlimit64, 0, resource, new BigUint64Array([soft, hard]), null),
      `set ${name} to ${soft}, at most ${hard}`,
    );
}

/**
 * Takes on the user, the rights and the filter of the program, and becomes it. A filter is loaded before the rights go
 * where only they allow it, and after them with no_new_privs, which allows it to everybody.
 */
export function become(plan: ProcessPlan, user: Credentials, channel: ChildEnd): never {
  const env = environmentValue(plan.env, 'HOME') ? plan.env : [...plan.env, `HOME=${user.home}`];
  resetSignals();
  if (plan.noNewPrivileges) check(syscall(NR.prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 'set no_new_privs');
  else loadSeccomp(plan);
  // As the root of the container, or if that may not (a network file system), as the user further down.
  const entered = enterCwd(plan.cwd);
  step('set the user and capabilities', () => setUser(plan, user));
  if (!entered && !enterCwd(plan.cwd)) throw new KataError('permission-denied', `enter the folder ${plan.cwd}: EACCES`);
  syscall(NR.umask, plan.umask);
  if (plan.noNewPrivileges) loadSeccomp(plan);
  channel.sendExecuting();
  execute(plan.args, env);
}

function setUser({ capabilities }: ProcessPlan, { uid, gid, groups }: Credentials): void {
  dropBounding(capabilities.bounding);
  check(syscall(NR.setgroups, groups.length, new Uint32Array(groups)), 'set the groups');
  check(syscall(NR.setresgid, gid, gid, gid), `become group ${gid}`);
  if (uid !== 0) keepCapabilities(true);
  check(syscall(NR.setresuid, uid, uid, uid), `become user ${uid}`);
  if (uid !== 0) keepCapabilities(false);
  setCapabilities(capabilities);
}

/** False when this user may not enter it. */
function enterCwd(cwd: string): boolean {
  const result = syscall(NR.chdir, cwd);
  if (result === -ERRNO.EACCES) return false;
  check(result, `enter the folder ${cwd}`);
  const buffer = new Uint8Array(4096);
  const length = syscall(NR.getcwd, buffer, buffer.length);
  // Outside the root the kernel says "(unreachable)" before the path.
  if (length > 0 && buffer[0] !== 0x2f)
    throw new KataError(
      'permission-denied',
      `a working directory inside the root is expected, ${cwd} leads to ${utf8Decode(buffer.subarray(0, length - 1))}`,
    );
  return true;
}

function loadSeccomp({ seccomp }: ProcessPlan): void {
  if (seccomp === undefined) return;
  const { instructions, flags } = seccomp;
  // struct sock_fprog: how many instructions of 8 bytes, and where.
  const program = new BigUint64Array([BigInt(instructions.length / 8), addressOf(instructions)]);
  check(syscall(NR.seccomp, SECCOMP_SET_MODE_FILTER, flags, program), 'load the seccomp filter');
}
