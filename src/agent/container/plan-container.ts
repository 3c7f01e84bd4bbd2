import { KataError } from '../../errors/kata-error.ts';
import type { Hook, LinuxDevice, Spec } from '../../protocols/gen/oci.ts';
import type { ContainerOptions } from './container-options.ts';
import { closePlan, type NamespacePlan, planNamespaces } from './namespaces.ts';
import { type PlannedMount, planMount } from './plan-mounts.ts';
import { type ProcessPlan, planProcess } from './plan-process.ts';
import { propagationFlags } from './root-mount.ts';
import { sysctlPath } from './sysctl.ts';

/** All that the child needs, made and checked before it exists: the spec's mistakes are told by the agent itself. */
export interface ContainerPlan {
  process: ProcessPlan;
  namespaces: NamespacePlan;
  hostname: string;
  sysctls: Readonly<Record<string, string>>;
  rootPath: string;
  rootReadOnly: boolean;
  rootPropagation: string;
  mounts: readonly PlannedMount[];
  /** Devices besides the default ones. */
  devices: readonly LinuxDevice[];
  /** False when the spec brings its own `/dev` along. */
  makesDevices: boolean;
  fixMtab: boolean;
  /** Hooks run while the root stands and is not yet entered. */
  waitsForHooks: boolean;
  maskedPaths: readonly string[];
  readOnlyPaths: readonly string[];
}

/** The hooks that run before the root is entered, in the agent's namespaces and (`createContainer`) the container's. */
export function creationHooks({ hooks }: Spec): Hook[] {
  return hooks === undefined ? [] : [...hooks.prestart, ...hooks.createRuntime, ...hooks.createContainer];
}

/** Plans a container. `invalid-argument` and `unimplemented` name what in the spec is wrong or not served. */
export function planContainer({
  spec,
  shared = {},
  stringUser,
  fixMtab = 'auto',
}: Omit<ContainerOptions, 'id'>): ContainerPlan {
  const { process, root, linux } = spec;
  if (process === undefined || root === undefined || linux === undefined)
    throw new KataError('invalid-argument', 'a spec with process, root and linux is expected');
  if (!root.path.startsWith('/'))
    throw new KataError('invalid-argument', `an absolute root.path is expected, found ${JSON.stringify(root.path)}`);
  propagationFlags(linux.rootfsPropagation);
  for (const name of Object.keys(linux.sysctl)) sysctlPath(name);
  const processPlan = planProcess(process, stringUser, linux.seccomp);
  const mounts = spec.mounts.map(planMount);
  const namespaces = planNamespaces(linux.namespaces, shared);
  try {
    return {
      process: processPlan,
      namespaces,
      hostname: spec.hostname,
      sysctls: linux.sysctl,
      rootPath: root.path,
      rootReadOnly: root.readonly,
      rootPropagation: linux.rootfsPropagation,
      mounts,
      devices: linux.devices,
      makesDevices: !mounts.some(({ kind, destination }) => kind === 'bind' && destination === '/dev'),
      fixMtab: fixMtab === 'auto' && !mounts.some(({ destination }) => destination === '/etc/mtab'),
      waitsForHooks: creationHooks(spec).length > 0,
      maskedPaths: linux.maskedPaths,
      readOnlyPaths: linux.readonlyPaths,
    };
  } catch (error) {
    closePlan(namespaces);
    throw error;
  }
}
