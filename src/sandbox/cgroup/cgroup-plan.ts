import { checkUnitName, slicePath } from '../../os/systemd/unit-name.ts';

/** Where the processes of a sandbox go on the host. */
export interface CgroupPlan {
  /** The sandbox's own cgroup within each hierarchy. */
  path: string;
  /** The systemd unit that the cgroup is; null for one that systemd has nothing to do with. */
  scope: { unit: string; slice: string } | null;
  /** Where everything but the vCPUs goes; null: it all goes into the sandbox's. */
  overheadPath: string | null;
}

/** The cgroup above those of `overheadPath`, upstream's. */
export const OVERHEAD = '/kata_overhead';
/** By which those who count a container's use know that this cgroup is ours (cAdvisor leaves it out). */
const PREFIX = 'kata_';
/** Where a relative path begins. */
const DEFAULT_PARENT = '/vc';

/**
 * The cgroups of a sandbox by its spec's `linux.cgroupsPath` (config-linux.md, Cgroups Path): a path, whose last name gets
 * a prefix, or systemd's `slice:prefix:name`. Null when the spec has none.
 *
 * Unlike Kata: without a path there is no cgroup, upstream puts all such sandboxes into /vc/kata_vc; and a systemd path is one
 * whatever `sandbox_cgroup_only` is, upstream makes a folder of that very name when it is false (#2963).
 */
export function planCgroups(cgroupsPath: string, sandboxId: string, sandboxCgroupOnly: boolean): CgroupPlan | null {
  const overheadPath = sandboxCgroupOnly ? null : `${OVERHEAD}/${sandboxId}`;
  const scope = scopeOf(cgroupsPath);
  if (scope !== null) return { path: `${slicePath(scope.slice)}/${scope.unit}`, scope, overheadPath };
  const names = resolve(cgroupsPath.startsWith('/') ? cgroupsPath : `${DEFAULT_PARENT}/${cgroupsPath}`);
  const base = names.pop();
  if (cgroupsPath === '' || base === undefined) return null;
  return { path: `/${[...names, `${PREFIX}${base}`].join('/')}`, scope: null, overheadPath };
}

/** `slice:prefix:name`; systemd's own system.slice when it is left out, as runc has it. */
function scopeOf(cgroupsPath: string): { unit: string; slice: string } | null {
  const [slice = '', prefix = '', name = '', ...more] = cgroupsPath.split(':');
  if (name === '' || more.length > 0 || !(slice === '' || slice.endsWith('.slice'))) return null;
  const unit = checkUnitName(`${prefix === '' ? '' : `${prefix}-`}${name}.scope`);
  return { unit, slice: slice === '' ? 'system.slice' : slice };
}

/** The names of an absolute path; `..` never leads above the root. */
function resolve(path: string): string[] {
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return names;
}
