import { makeDirectories } from '../../os/directory.ts';
import { close, O, open } from '../../os/fd.ts';
import { MS, mount, setPropagation } from '../../os/mount.ts';
import { setns } from '../../os/namespace.ts';
import { exitNow } from '../../os/process.ts';
import { openInRoot } from '../../os/resolve.ts';
import { makeDevices } from '../devices/make-devices.ts';
import { leaveAgent } from './become.ts';
import type { ChildEnd } from './channel.ts';
import { decodePlan } from './child-plan.ts';
import { enterNamespaces, runFromNamespaces } from './init-child.ts';
import { maskPaths, protectPaths } from './mask-paths.ts';
import { mountAll } from './mount-all.ts';
import type { ContainerPlan } from './plan-container.ts';
import type { PlannedMount } from './plan-mounts.ts';
import { matchStage, planStage, type StagedMount } from './stage.ts';
import type { ChildStdio } from './stdio.ts';
import { step } from './step.ts';
import { directoryTarget } from './target.ts';

/** Where it mounts in its own namespace; an empty folder for everybody else. */
const STAGE = '/run/kata-stage';

/** The first process of a container that is not known yet: mounts what most have, waits, and goes on as any other. */
export function runPreparedChild(standIn: ContainerPlan, stdio: ChildStdio, channel: ChildEnd): never {
  try {
    leaveAgent();
    enterNamespaces(standIn);
    const staged = planStage(standIn);
    const stageFd = step('prepare file systems', () => stage(staged));
    channel.send({ kind: 'prepared' });
    const handed = channel.receive();
    if (handed === null) exitNow(1);
    const plan = decodePlan(handed.text, standIn.process.seccomp);
    if (plan.entersNetwork) enterNetwork(handed.fds.shift()!);
    const [rootTree, ...binds] = handed.fds;
    // sysfs shows the interfaces of the namespace that it was mounted in.
    const match = matchStage(
      plan.entersNetwork ? staged.filter(({ mount: { type } }) => type !== 'sysfs') : staged,
      plan,
    );
    const ready: Map<PlannedMount, number> = new Map();
    for (const [planned, { place }] of match.there) ready.set(planned, openInRoot(stageFd, place, O.PATH));
    for (const planned of plan.mounts) if (planned.kind === 'bind') ready.set(planned, binds.shift()!);
    close(stageFd);
    runFromNamespaces(plan, stdio, channel, { rootTree: rootTree!, ready, ...match });
  } catch (error) {
    channel.sendError(error);
  }
  exitNow(127);
}

function enterNetwork(fd: number): void {
  setns(fd, 'net');
  close(fd);
}

/** Mounts what is to be ready, where only this process sees it; a descriptor of the folder. */
function stage(staged: readonly StagedMount[]): number {
  setPropagation('/', MS.SLAVE | MS.REC);
  makeDirectories(STAGE);
  mount('stage', STAGE, 'tmpfs', MS.NOSUID);
  const stageFd = open(STAGE, O.PATH | O.DIRECTORY);
  mountAll(
    stageFd,
    staged.map(({ mount: planned, place }) => ({ ...planned, destination: place })),
  );
  // What a nested one is mounted on, if the outer one is there with it.
  for (const { mount: planned } of staged) close(directoryTarget(stageFd, planned.destination));
  if (staged.some(({ mount: planned }) => planned.destination === '/dev')) makeDevices(stageFd, []);
  maskPaths(
    stageFd,
    staged.flatMap(({ masked }) => masked),
  );
  protectPaths(
    stageFd,
    staged.flatMap(({ readOnly }) => readOnly),
  );
  return stageFd;
}
