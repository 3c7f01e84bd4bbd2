import { exitNow } from '../../os/process.ts';
import { CAPABILITY_NAMES, capabilityMasks } from '../capabilities.ts';
import { become, closeFrom, leaveAgent } from '../container/become.ts';
import { CHANNEL_FD, type ChildEnd } from '../container/channel.ts';
import type { ProcessPlan } from '../container/plan-process.ts';
import { type ChildStdio, placeStdio } from '../container/stdio.ts';
import { takeTerminal } from '../container/terminal.ts';

const ALL = [...CAPABILITY_NAMES];
const ROOT = { uid: 0, gid: 0, groups: [], home: '/' };

/** A program of the debug console, from fork to exec: root of the guest, with every right. It executes or ends. */
export function runConsoleChild(plan: ProcessPlan, stdio: ChildStdio, channel: ChildEnd): never {
  try {
    leaveAgent();
    placeStdio(stdio, 0);
    channel.moveTo(CHANNEL_FD);
    closeFrom(CHANNEL_FD + 1);
    if (plan.terminal) takeTerminal(plan.windowSize);
    const capabilities = capabilityMasks({
      ...{ bounding: ALL, effective: ALL, permitted: ALL, inheritable: [], ambient: [] },
    });
    become({ ...plan, capabilities, noNewPrivileges: false, seccomp: undefined }, ROOT, channel);
  } catch (error) {
    channel.sendError(error);
  }
  exitNow(127);
}
