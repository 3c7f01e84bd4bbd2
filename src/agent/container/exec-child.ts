import { syscall } from 'sys';
import { check } from '../../os/errno.ts';
import { exitNow } from '../../os/process.ts';
import { NR } from '../../syscall/numbers.ts';
import { become, closeFrom, leaveAgent, lookUpUser, setOomScore, setRlimits } from './become.ts';
import { CHANNEL_FD, type ChildEnd } from './channel.ts';
import type { ProcessPlan } from './plan-process.ts';
import { type ChildStdio, placeStdio } from './stdio.ts';
import { takeTerminal } from './terminal.ts';

/** What a further process of a container enters. */
export interface ExecTarget {
  /** The container's first process. */
  initPidfd: number;
  /** `CLONE` flags of the namespaces to enter; its pid namespace was entered by the clone. */
  namespaces: number;
}

/** A further process of a container, from clone to exec. Nothing is given back: it executes or ends. */
export function runExecChild(plan: ProcessPlan, target: ExecTarget, stdio: ChildStdio, channel: ChildEnd): never {
  try {
    leaveAgent();
    setOomScore(plan);
    check(syscall(NR.setns, target.initPidfd, target.namespaces), 'enter the namespaces of the container');
    const user = lookUpUser(plan);
    placeStdio(stdio, user.uid);
    channel.moveTo(CHANNEL_FD);
    closeFrom(CHANNEL_FD + 1);
    if (plan.terminal) takeTerminal(plan.windowSize);
    setRlimits(plan);
    become(plan, user, channel);
  } catch (error) {
    channel.sendError(error);
  }
  exitNow(127);
}
