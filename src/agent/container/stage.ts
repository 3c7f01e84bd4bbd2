import { MS } from '../../os/mount-flags.ts';
import type { ChildPlan } from './child-plan.ts';
import type { ContainerPlan } from './plan-container.ts';
import type { PlannedMount } from './plan-mounts.ts';

/** A file system that is mounted before it is known for which container, with what is masked in it. */
export interface StagedMount {
  mount: PlannedMount;
  /** Where it waits, in the folder of the stage. */
  place: string;
  /** Masked and read-only paths, as in the container. */
  masked: readonly string[];
  readOnly: readonly string[];
}

/** What of a container is there, and what is still to be done. */
export interface StageMatch {
  /** By the mount of the container's plan. */
  there: Map<PlannedMount, StagedMount>;
  masked: string[];
  readOnly: string[];
  /** The default devices are there. */
  hasDevices: boolean;
}

const isBelow = (path: string, folder: string): boolean => path.startsWith(`${folder}/`);
const overlap = (a: string, b: string): boolean => a === b || isBelow(a, b) || isBelow(b, a);

/** Which mounts of a plan need nothing of an image, so that they can be made ahead. */
export function planStage({ mounts, maskedPaths, readOnlyPaths }: ContainerPlan): StagedMount[] {
  const staged: StagedMount[] = [];
  for (const mount of mounts.filter(needsNoImage)) {
    const { destination } = mount;
    const isInside = (path: string): boolean => isBelow(path, destination);
    // What lies inside another one waits beside it: a container may want the outer one alone.
    const isNested = staged.some((outer) => isBelow(destination, outer.mount.destination));
    staged.push({
      mount,
      place: isNested ? `/nested${staged.length}` : destination,
      masked: isNested ? [] : maskedPaths.filter(isInside),
      readOnly: isNested ? [] : readOnlyPaths.filter(isInside),
    });
  }
  return staged;
}

function needsNoImage({ kind, type, data, copyUp, lateReadOnly, propagation }: PlannedMount): boolean {
  if (kind === 'bind' || copyUp || lateReadOnly || propagation.length > 0) return false;
  // A tmpfs has the mode of the image's folder when the spec says none.
  return type !== 'tmpfs' || /(^|,)mode=/.test(data);
}

/** Which of the staged mounts a container can have: the same ones, with nothing masked that it may see. */
export function matchStage(staged: readonly StagedMount[], plan: ChildPlan): StageMatch {
  const there = new Map<PlannedMount, StagedMount>();
  const free = new Map(staged.map((each) => [JSON.stringify(each.mount), each]));
  for (const mount of plan.mounts) {
    const key = JSON.stringify(mount);
    const found = free.get(key);
    if (found === undefined || !suits(found, plan)) continue;
    there.set(mount, found);
    // Two mounts that are alike are two file systems.
    free.delete(key);
  }
  const used = [...there.values()];
  const done = new Set(used.flatMap(({ masked, readOnly }) => [...masked, ...readOnly]));
  return {
    there,
    masked: plan.maskedPaths.filter((path) => !done.has(path)),
    readOnly: plan.readOnlyPaths.filter((path) => !done.has(path)),
    hasDevices: used.some(({ mount }) => mount.destination === '/dev'),
  };
}

function suits({ mount, masked, readOnly }: StagedMount, plan: ChildPlan): boolean {
  const isWanted = masked.every((path) => plan.maskedPaths.includes(path));
  if (!isWanted || !readOnly.every((path) => plan.readOnlyPaths.includes(path))) return false;
  // Masks come after all mounts: none may come to lie over one.
  return !plan.mounts.some(
    ({ destination }) =>
      isBelow(destination, mount.destination) && [...masked, ...readOnly].some((path) => overlap(path, destination)),
  );
}

/** Whether a plan's root spreads its mounts to where it came from: then it must be made from within. */
export const isSharedPropagation = (flags: number): boolean => (flags & MS.SHARED) !== 0;
