import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { check } from '../../os/errno.ts';
import { close, setNonBlocking } from '../../os/fd.ts';
import { resetAfterFork } from '../../os/loop.ts';
import { exitNow, type Forked } from '../../os/process.ts';
import { NR } from '../../syscall/numbers.ts';
import type { Cgroup } from '../cgroup/cgroup.ts';
import { type ChildEnd, errorOf, openChannel, type ParentEnd } from './channel.ts';
import { type CloneOptions, cloneInto } from './clone.ts';
import { GuestProcess } from './guest-process.ts';
import { type ChildStdio, closeChildStdio, closeParentStdio, type Stdio } from './stdio.ts';

/** A process of a container that is on its way to its program, and the talk with it. */
export interface Launched {
  process: GuestProcess;
  channel: ParentEnd;
}

/** What a child does; it never comes back. */
export type InChild = (channel: ChildEnd, fds: ChildStdio) => never;

/** Starts a child that runs `inChild` and never comes back from it. Takes over `stdio`, closes it when it fails. */
export function launch(execId: string, clone: CloneOptions, stdio: Stdio, inChild: InChild): Launched {
  const channel = openChannel();
  let forked: Forked | null;
  try {
    forked = cloneInto(clone);
    if (forked === null) {
      resetAfterFork();
      inChild(channel.childEnd(), stdio.child);
      exitNow(127);
    }
  } catch (error) {
    channel.close();
    closeParentStdio(stdio.parent);
    throw error;
  } finally {
    closeChildStdio(stdio.child);
  }
  channel.closeChildEnd();
  return { process: new GuestProcess(execId, forked, stdio.parent), channel };
}

/** The same, in a cgroup. */
export function launchIn(
  cgroup: Cgroup,
  execId: string,
  clone: CloneOptions,
  stdio: Stdio,
  inChild: InChild,
): Launched {
  const cgroupFd = cgroup.open();
  try {
    return launch(execId, { ...clone, cgroupFd }, stdio, inChild);
  } finally {
    close(cgroupFd);
  }
}

/**
 * Waits until the program has replaced the child: then the channel is closed by exec. An error that the child tells is
 * thrown, after its end was seen.
 */
export async function untilExecuted({ process, channel }: Launched): Promise<void> {
  try {
    let executing = false;
    for (;;) {
      const message = await channel.next();
      if (message === null && executing) return;
      if (message?.kind === 'executing') {
        executing = true;
        continue;
      }
      throw await failure(process, message?.kind === 'error' ? errorOf(message) : null);
    }
  } finally {
    channel.close();
  }
}

/**
 * Waits until a child is ready to become its program; fetches the terminal that it opened. Its warnings. `whenFurnished`
 * runs in between, if the child was planned to wait for it.
 */
export async function untilReady(
  { process, channel }: Launched,
  whenFurnished: () => Promise<void>,
): Promise<string[]> {
  try {
    let message = await channel.next();
    if (message?.kind === 'furnished') {
      await whenFurnished();
      channel.go();
      message = await channel.next();
    }
    if (message?.kind !== 'ready') throw await failure(process, message?.kind === 'error' ? errorOf(message) : null);
    if (message.terminalFd >= 0) {
      const fd = check(syscall(NR.pidfd_getfd, process.pidfd, message.terminalFd, 0), 'fetch the terminal');
      setNonBlocking(fd);
      process.attachTerminal(fd);
    }
    return message.warnings;
  } catch (error) {
    await abandon({ process, channel });
    throw error;
  }
}

/** Hangs up: a child that waits ends by itself, and is seen to its end. Idempotent. */
export async function abandon({ process, channel }: Launched): Promise<void> {
  channel.close();
  await process.exited;
  process.closeStdio();
}

/** Sees a child that failed to its end, which is near; the error to throw. */
export async function failure(process: GuestProcess, told: KataError | null): Promise<KataError> {
  const status = await process.exited;
  process.closeStdio();
  if (told !== null) return told;
  const how = status.signal === 0 ? `with status ${status.code}` : `by signal ${status.signal}`;
  return new KataError('internal', `the process ended ${how} before its program ran`, {
    hint: status.signal === 9 ? 'is the memory limit large enough to start anything?' : undefined,
  });
}
