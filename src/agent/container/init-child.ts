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
import type { ChildPlan } from './child-plan.ts';
import { fixMtab } from './fix-mtab.ts';
import { bringLoopbackUp } from './loopback.ts';
import { maskPaths, protectPaths } from './mask-paths.ts';
import { mountAll, type ReadyMounts } from './mount-all.ts';
import type { ContainerPlan } from './plan-container.ts';
import { attachRoot, enterRoot } from './root-mount.ts';
import { type ChildStdio, placeStdio } from './stdio.ts';
import { step } from './step.ts';
import { applySysctls, setHostname } from './sysctl.ts';
import { openIfThere } from './target.ts';
import { openTerminal, takeTerminal } from './terminal.ts';

/** The controlling end of a new terminal, until the agent has fetched it. */
const CONTROLLER_FD = CHANNEL_FD + 1;

/** What a child that was made ahead has already. */
export interface Prepared {
  /** What is mounted where the plan has its root, as the agent sees it. */
  rootTree: number;
  ready: ReadyMounts;
  /** What is still to be masked and protected, of all that the plan names. */
  masked: readonly string[];
  readOnly: readonly string[];
  hasDevices: boolean;
}

/** The first process of a container, from clone to exec. Nothing is given back: it executes or ends. */
export function runInitChild(plan: ContainerPlan, stdio: ChildStdio, channel: ChildEnd): never {
  try {
    leaveAgent();
    enterNamespaces(plan);
    runFromNamespaces(plan, stdio, channel);
  } catch (error) {
    channel.sendError(error);
  }
  exitNow(127);
}

export function enterNamespaces({ namespaces: { enter, newNetwork } }: ContainerPlan): void {
  for (const { fd, kind } of enter) setns(fd, kind);
  unshare(CLONE.NEWCGROUP);
  if (newNetwork) bringLoopbackUp();
}

/** From its own namespaces to exec. */
export function runFromNamespaces(plan: ChildPlan, stdio: ChildStdio, channel: ChildEnd, prepared?: Prepared): never {
  const warnings = setOomScore(plan.process);
  if (plan.hostname !== '') setHostname(plan.hostname);
  step('set a sysctl', () => applySysctls(plan.sysctls));
  const rootFd = step('prepare the root', () => attachRoot(plan.rootPath, plan.rootPropagation, prepared?.rootTree));
  const pty = furnish(rootFd, plan, channel, prepared);
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
}

/** Everything inside the root; the new terminal if there is to be one. */
function furnish(rootFd: number, plan: ChildPlan, channel: ChildEnd, prepared: Prepared | undefined): Pty | null {
  const makeLateReadOnly = mountAll(rootFd, plan.mounts, prepared?.ready);
  const hasDevices = prepared?.hasDevices === true && plan.devices.length === 0;
  if (plan.makesDevices && !hasDevices) step('make the devices', () => makeDevices(rootFd, plan.devices));
  const pty = plan.process.terminal ? step('open a terminal', () => openTerminal(rootFd)) : null;
  if (plan.fixMtab) step('fix /etc/mtab', () => fixMtab(rootFd, plan.rootReadOnly));
  step('make the working directory', () => makeCwd(rootFd, plan.process.cwd));
  if (plan.waitsForHooks) {
    channel.send({ kind: 'furnished' });
    if (!channel.waitForGo()) exitNow(1);
  }
  step('mask paths', () => maskPaths(rootFd, prepared?.masked ?? plan.maskedPaths));
  step('make paths read-only', () => protectPaths(rootFd, prepared?.readOnly ?? plan.readOnlyPaths));
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
