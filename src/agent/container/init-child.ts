import { syscall } from 'sys';
import { check } from '../../os/errno.ts';
import { close, O } from '../../os/fd.ts';
import { MOUNT_ATTR, mountSetattr } from '../../os/mount.ts';
import { CLONE, setns, unshare } from '../../os/namespace.ts';
import { exitNow } from '../../os/process.ts';
import type { Pty } from '../../os/pty.ts';
import { makeDirectoriesInRoot } from '../../os/resolve.ts';
import { NR } from '../../syscall/numbers.ts';
import { makeDevices } from '../devices/make-devices.ts';
import { become, closeFrom, leaveAgent, lookUpUser, setOomScore, setRlimits } from './become.ts';
import { CHANNEL_FD, type ChildEnd } from './channel.ts';
import { fixMtab } from './fix-mtab.ts';
import { bringLoopbackUp } from './loopback.ts';
import { maskPaths, protectPaths } from './mask-paths.ts';
import { mountAll } from './mount-all.ts';
import type { ContainerPlan } from './plan-container.ts';
import { attachRoot, enterRoot } from './root-mount.ts';
import { type ChildStdio, placeStdio } from './stdio.ts';
import { step } from './step.ts';
import { applySysctls, setHostname } from './sysctl.ts';
import { openIfThere } from './target.ts';
import { openTerminal, takeTerminal } from './terminal.ts';

/** The controlling end of a new terminal, until the agent has fetched it. */
const CONTROLLER_FD = CHANNEL_FD + 1;

/** The first process of a container, from clone to exec. Nothing is given back: it executes or ends. */
export function runInitChild(plan: ContainerPlan, stdio: ChildStdio, channel: ChildEnd): never {
  try {
    leaveAgent();
    const warnings = setOomScore(plan.process);
    enterNamespaces(plan);
    const rootFd = step('prepare the root', () => attachRoot(plan.rootPath, plan.rootPropagation));
    const pty = furnish(rootFd, plan, channel);
    step('enter the root', () => enterRoot(rootFd, plan.rootPropagation));
    const user = lookUpUser(plan.process);
    const fds: ChildStdio = pty === null ? stdio : [pty.terminalFd, pty.terminalFd, pty.terminalFd];
    placeAll(fds, pty, channel, user.uid);
    if (pty !== null) takeTerminal(plan.process.windowSize);
    setRlimits(plan.process);
    channel.send({
      kind: 'ready',
      terminalFd: pty === null ? -1 : CONTROLLER_FD,
      warnings: warnings === null ? [] : [warnings],
    });
    if (!channel.waitForGo()) exitNow(1);
    become(plan.process, user, channel);
  } catch (error) {
    channel.sendError(error);
  }
  exitNow(127);
}

function enterNamespaces(plan: ContainerPlan): void {
  for (const { fd, kind } of plan.namespaces.enter) setns(fd, kind);
  unshare(CLONE.NEWCGROUP);
  if (plan.namespaces.newNetwork) bringLoopbackUp();
  if (plan.hostname !== '') setHostname(plan.hostname);
  step('set a sysctl', () => applySysctls(plan.sysctls));
}

/** Everything inside the root; the new terminal if there is to be one. */
function furnish(rootFd: number, plan: ContainerPlan, channel: ChildEnd): Pty | null {
  const makeLateReadOnly = mountAll(rootFd, plan.mounts);
  if (plan.makesDevices) step('make the devices', () => makeDevices(rootFd, plan.devices));
  const pty = plan.process.terminal ? step('open a terminal', () => openTerminal(rootFd)) : null;
  if (plan.fixMtab) step('fix /etc/mtab', () => fixMtab(rootFd, plan.rootReadOnly));
  step('make the working directory', () => makeCwd(rootFd, plan.process.cwd));
  if (plan.waitsForHooks) {
    channel.send({ kind: 'furnished' });
    if (!channel.waitForGo()) exitNow(1);
  }
  step('mask paths', () => maskPaths(rootFd, plan.maskedPaths));
  step('make paths read-only', () => protectPaths(rootFd, plan.readOnlyPaths));
  makeLateReadOnly();
  if (plan.rootReadOnly) mountSetattr(rootFd, { set: MOUNT_ATTR.RDONLY });
  return pty;
}

function makeCwd(rootFd: number, cwd: string): void {
  close(openIfThere(rootFd, cwd) ?? makeDirectoriesInRoot(rootFd, cwd));
}

function placeAll(fds: ChildStdio, pty: Pty | null, channel: ChildEnd, uid: number): void {
  let controllerFd = pty?.controllerFd ?? -1;
  placeStdio(fds, uid);
  if (controllerFd >= 0) {
    // Out of the way of the channel's number first.
    const F_DUPFD_CLOEXEC = 1030;
    controllerFd = check(syscall(NR.fcntl, controllerFd, F_DUPFD_CLOEXEC, CONTROLLER_FD + 1), 'move the terminal');
  }
  channel.moveTo(CHANNEL_FD);
  if (controllerFd >= 0) check(syscall(NR.dup3, controllerFd, CONTROLLER_FD, O.CLOEXEC), 'move the terminal');
  closeFrom(controllerFd >= 0 ? CONTROLLER_FD + 1 : CONTROLLER_FD);
}
