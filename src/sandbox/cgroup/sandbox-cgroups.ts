import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import type { OciCpu, OciDeviceRule } from '../../oci/spec.ts';
import { handDownControllers, joinCgroup, joinThread, makeCgroup } from '../../os/cgroup/cgroup-files.ts';
import { CGROUP_ROOT, type Hierarchies, type Hierarchy, pathInHierarchy } from '../../os/cgroup/hierarchy.ts';
import { mountedHierarchies } from '../../os/cgroup/mounted.ts';
import { makeDirectory } from '../../os/directory.ts';
import { isErrno } from '../../os/errno.ts';
import { exists, readText, writeControl } from '../../os/file.ts';
import { isSystemdRunning, startScope } from '../../os/systemd/manager.ts';
import { NR } from '../../syscall/numbers.ts';
import type { SandboxLog } from '../sandbox-log.ts';
import { type CgroupPlan, OVERHEAD, planCgroups } from './cgroup-plan.ts';
import { uniteCpuLists } from './cpu-list.ts';
import { DeviceLimit } from './device-limit.ts';
import { removeCgroups, type SavedCgroups } from './saved-cgroups.ts';

export interface SandboxCgroupsOptions {
  sandboxId: string;
  /** `linux.cgroupsPath` of the sandbox's spec. */
  cgroupsPath: string;
  sandboxCgroupOnly: boolean;
  /** `linux.resources.devices` of the sandbox's spec. */
  devices: readonly OciDeviceRule[];
  /** QEMU is debugged. */
  debug: boolean;
  log: SandboxLog;
}

/** Devices that may be opened besides. */
interface Allowed {
  paths: readonly string[];
  deny: () => void;
}

/** The sandbox in one hierarchy: folders. */
interface Place {
  hierarchy: Hierarchy;
  /** The sandbox's cgroup. */
  sandbox: string;
  /** Where QEMU goes, and what it is started from. */
  vmm: string;
  /** Where this shim stays. */
  shim: string;
  /** Where the vCPUs' threads go; null: they stay with QEMU. */
  vcpus: string | null;
  /** Where this shim came from. */
  home: string;
}

/** What threads of one process can be limited by, each for itself (admin-guide/cgroup-v2, Threads). */
const THREADED = ['cpuset', 'cpu', 'pids'];
const VCPUS = 'vcpus';

/**
 * The cgroups of a sandbox on the host (cgroups(7)): its own, which its spec names, and with `sandbox_cgroup_only = false`
 * one for what serves the VM besides its vCPUs. Limits of a pod are those of the cgroup above, which is the container
 * manager's; here only processors and devices are.
 *
 * | | shim, helpers | QEMU | its vCPUs |
 * |---|---|---|---|
 * | `sandbox_cgroup_only` | sandbox | sandbox | sandbox |
 * | else, cgroup v1 | overhead | overhead | sandbox |
 * | else, cgroup v2 | overhead | sandbox | sandbox's `vcpus`, a threaded cgroup: a process is in one place but for such threads |
 */
export class SandboxCgroups {
  readonly #options: SandboxCgroupsOptions;
  readonly #plan: CgroupPlan;
  readonly #hierarchies: Hierarchies;
  readonly #saved: SavedCgroups = { own: [], above: [] };
  readonly #cpus = new Map<string, { cpus: string; mems: string }>();
  #places: Place[] = [];
  #devices: DeviceLimit | undefined;
  /** What may be opened besides, also while there is no limit yet. */
  readonly #allowed = new Set<Allowed>();

  private constructor(options: SandboxCgroupsOptions, plan: CgroupPlan, hierarchies: Hierarchies) {
    this.#options = options;
    this.#plan = plan;
    this.#hierarchies = hierarchies;
  }

  /**
   * The cgroups that a sandbox is to have, not made yet; null for one whose spec names none. A host without cgroups is an
   * error only if all of the sandbox has to be in one.
   */
  static of(options: SandboxCgroupsOptions): SandboxCgroups | null {
    const { cgroupsPath, sandboxId, sandboxCgroupOnly, log } = options;
    if (cgroupsPath === '') return null;
    const plan = planCgroups(cgroupsPath, sandboxId, sandboxCgroupOnly);
    if (plan === null) return null;
    const hierarchies = mountedHierarchies();
    if (hierarchies.placed.length > 0) return new SandboxCgroups(options, plan, hierarchies);
    const found = `the sandbox is expected to be in the cgroup ${cgroupsPath}, no cgroups are mounted on this host`;
    const hint = `mount them at ${CGROUP_ROOT}, or set sandbox_cgroup_only = false`;
    if (sandboxCgroupOnly) throw new KataError('failed-precondition', found, { hint });
    log.warning(`${found}; it runs in none`);
    return null;
  }

  get #isV2(): boolean {
    return this.#hierarchies.placed[0]!.version === 2;
  }

  /** What has to be removed, so far. */
  get saved(): SavedCgroups {
    return this.#saved;
  }

  /**
   * Makes them, and puts this shim where QEMU is to be started from. `save` is called before anything is made, and whenever
   * there is more to be removed. After a failure, `leave` undoes what was done.
   */
  async enter(save: () => void): Promise<void> {
    const ownFile = readText('/proc/self/cgroup');
    const path = this.#plan.scope === null ? this.#plan.path : await this.#startScope(this.#plan.scope, save);
    const { placed, tracker } = this.#hierarchies;
    // Where systemd has put us besides, and would look for whom to kill when the unit is stopped.
    const tracked = tracker !== null && this.#saved.unit !== undefined ? [tracker] : [];
    this.#places = [...placed, ...tracked].map((hierarchy) => this.#placeIn(hierarchy, path, ownFile));
    for (const { sandbox, shim, home } of this.#places)
      for (const folder of new Set([sandbox, shim])) this.#saved.own.push({ folder, refuge: home });
    save();
    try {
      for (const place of this.#places) if (place.hierarchy !== tracker) this.#make(place);
      this.#devices = DeviceLimit.of(this.#places, this.#options);
      for (const allowed of this.#allowed) allowed.deny = this.#devices?.allow(allowed.paths) ?? allowed.deny;
      this.#allowed.clear();
      for (const { vmm } of this.#places) joinCgroup(vmm);
    } catch (error) {
      throw explained(error, this.#options);
    }
  }

  /** Where the scope is: systemd has put us there. Where systemd is not, or refuses, the same cgroup is made without it. */
  async #startScope(scope: { unit: string; slice: string }, save: () => void): Promise<string> {
    const { log, sandboxId } = this.#options;
    if (!isSystemdRunning()) {
      log.debug(`the cgroup ${this.#plan.path} is made without systemd, which does not run here`);
      return this.#plan.path;
    }
    this.#saved.unit = scope.unit;
    save();
    try {
      await startScope({ ...scope, description: `kata sandbox ${sandboxId}`, pids: [syscall(NR.getpid)] });
      const cgroupFile = readText('/proc/self/cgroup');
      const managed = this.#hierarchies.placed.find(isManaged);
      const path = managed === undefined ? null : pathInHierarchy(managed, cgroupFile);
      if (path?.endsWith(`/${scope.unit}`)) return path;
      log.warning(`${scope.unit} is expected to hold the shim, found it in ${path}`);
    } catch (error) {
      // One that came too late is there all the same.
      if (KataError.from(error).code !== 'deadline-exceeded') delete this.#saved.unit;
      log.warning(`the cgroup ${this.#plan.path} is made without systemd: ${KataError.from(error).line}`);
    }
    return this.#plan.path;
  }

  #placeIn(hierarchy: Hierarchy, path: string, ownFile: string): Place {
    const { mountPoint, version } = hierarchy;
    const sandbox = `${mountPoint}${path}`;
    const ownPath = pathInHierarchy(hierarchy, ownFile) ?? '';
    const home = exists(`${mountPoint}${ownPath}/cgroup.procs`) ? `${mountPoint}${ownPath}` : mountPoint;
    const common = { hierarchy, sandbox, home };
    // A scope that none of its processes is in ends.
    const isScope = this.#saved.unit !== undefined && isManaged(hierarchy) && !this.#isV2;
    if (this.#plan.overheadPath === null || isScope) return { ...common, vmm: sandbox, shim: sandbox, vcpus: null };
    const overhead = `${mountPoint}${this.#plan.overheadPath}`;
    if (version === 1) return { ...common, vmm: overhead, shim: overhead, vcpus: sandbox };
    return { ...common, vmm: sandbox, shim: overhead, vcpus: `${sandbox}/${VCPUS}` };
  }

  #make(place: Place): void {
    const { hierarchy, sandbox, shim, vcpus } = place;
    const { mountPoint } = hierarchy;
    for (const folder of new Set([sandbox, shim]))
      for (const made of makeCgroup(hierarchy, folder.slice(mountPoint.length)))
        if (!this.#saved.own.some((own) => own.folder === made)) this.#saved.above.push(made);
    // Another sandbox may have made it, and be gone by the time when we are.
    if (shim !== sandbox && !this.#saved.above.includes(`${mountPoint}${OVERHEAD}`))
      this.#saved.above.push(`${mountPoint}${OVERHEAD}`);
    if (hierarchy.version === 2 && vcpus !== null) place.vcpus = this.#makeThreaded(sandbox, vcpus);
  }

  /** A cgroup for the threads of a process that is in `sandbox`; null where there cannot be one: they stay with it then. */
  #makeThreaded(sandbox: string, vcpus: string): string | null {
    try {
      makeDirectory(vcpus);
      writeControl(`${vcpus}/cgroup.type`, 'threaded');
      handDownControllers(sandbox, THREADED);
      return vcpus;
    } catch (error) {
      if (!isErrno(error, 'EOPNOTSUPP', 'ENOENT', 'EINVAL', 'EBUSY')) throw error;
      this.#options.log.info(`vCPUs stay in one cgroup with QEMU: ${KataError.from(error).line}`);
      return null;
    }
  }

  /**
   * Puts everything into its place once the VM runs.
   * @param pid QEMU, which need not have been started from here
   */
  placeVm(pid: number, vcpuThreads: readonly number[], isOurChild: boolean): void {
    if (vcpuThreads.length === 0 && this.#places.some(({ vcpus }) => vcpus !== null))
      this.#options.log.warning(`no thread of QEMU ${pid} is named after a vCPU: they stay with its others`);
    try {
      if (!isOurChild) for (const { vmm } of this.#places) joinCgroup(vmm, pid);
      this.placeVcpus(vcpuThreads);
      for (const { shim, vmm } of this.#places) if (shim !== vmm) joinCgroup(shim);
    } catch (error) {
      // Why it ended, its owner tells.
      if (isErrno(error, 'ESRCH')) return;
      throw explained(error, this.#options);
    }
  }

  /** Puts threads that run vCPUs into their place; to be called again when there are more of them. */
  placeVcpus(vcpuThreads: readonly number[]): void {
    for (const { hierarchy, vcpus } of this.#places)
      if (vcpus !== null) for (const tid of vcpuThreads) joinThread(hierarchy, vcpus, tid);
  }

  /** Puts the calling process, a child of this shim, where the shim came from: what it does is not for this sandbox alone. */
  leaveInChild(): void {
    for (const { home } of this.#places) joinCgroup(home);
  }

  /** Lets QEMU and shim open what is at these paths of the host, as far as it is a device, until the result is called. */
  allowDevices(paths: readonly string[]): () => void {
    const allowed: Allowed = { paths, deny: this.#devices?.allow(paths) ?? (() => {}) };
    if (this.#places.length === 0) this.#allowed.add(allowed);
    return () => {
      this.#allowed.delete(allowed);
      // Later, it goes with the cgroup.
      if (this.#places.length > 0) allowed.deny();
    };
  }

  /**
   * Limits the vCPUs to the processors and memory nodes of all containers together, as upstream does. What a container asks
   * for holds until it asks for something else, or is gone (`null`); nobody's wish leaves the last one standing.
   */
  limitCpus(containerId: string, cpu: OciCpu | undefined | null): void {
    if (cpu === null) this.#cpus.delete(containerId);
    else if (cpu !== undefined) this.#cpus.set(containerId, { cpus: cpu.cpus ?? '', mems: cpu.mems ?? '' });
    const wishes = [...this.#cpus.values()];
    for (const [file, list] of [
      ['cpuset.cpus', uniteCpuLists(wishes.map(({ cpus }) => cpus))],
      ['cpuset.mems', uniteCpuLists(wishes.map(({ mems }) => mems))],
    ] as const)
      if (list !== '') this.#writeCpuset(file, list);
  }

  #writeCpuset(file: string, list: string): void {
    const place = this.#places.find(({ hierarchy }) => this.#isV2 || hierarchy.controllers.includes('cpuset'));
    if (place === undefined)
      throw new KataError(
        'failed-precondition',
        `${file} = ${list} needs the cpuset controller, which this host has not`,
      );
    const folder = place.vcpus ?? place.sandbox;
    try {
      writeControl(`${folder}/${file}`, list);
    } catch (error) {
      throw new KataError(
        'failed-precondition',
        `${file} of ${folder} is expected to become ${list}: ${KataError.from(error).message}`,
        {
          hint: 'choose processors and nodes that this host has, and that the cgroup above allows',
          cause: error,
        },
      );
    }
  }

  /** Goes back to where this shim came from, and removes everything. The VM is gone. Idempotent. */
  async leave(): Promise<void> {
    for (const { home, hierarchy } of this.#places) goTo([home, hierarchy.mountPoint]);
    this.#devices?.close();
    this.#places = [];
    await removeCgroups(this.#saved);
  }
}

/** The first of these folders that takes us. When none does, whoever removes our cgroup puts us above it. */
function goTo(folders: readonly string[]): void {
  for (const folder of folders) {
    try {
      joinCgroup(folder);
      return;
    } catch {
      // The next one.
    }
  }
}

/** The hierarchy that systemd keeps its units in. */
const isManaged = ({ version, controllers }: Hierarchy): boolean =>
  version === 2 || controllers.includes('name=systemd');

function explained(thrown: unknown, { cgroupsPath }: SandboxCgroupsOptions): KataError {
  const error = KataError.wrap(thrown, `put the sandbox into its cgroup ${cgroupsPath}`);
  if (error.hint !== undefined) return error;
  const hint =
    error.errno === 'EROFS' || error.errno === 'EACCES' || error.errno === 'EPERM'
      ? `let the container manager, and so the shim, write to ${CGROUP_ROOT}`
      : error.errno === 'EBUSY' || error.errno === 'EOPNOTSUPP'
        ? 'the cgroup above must hold no process of its own, and be no threaded one (cgroups(7))'
        : undefined;
  return new KataError(error.code, error.message, { hint, errno: error.errno, cause: thrown });
}
