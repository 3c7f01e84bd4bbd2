import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { removeTree } from '../../os/directory.ts';
import { close, O, open } from '../../os/fd.ts';
import { readTextIfExists } from '../../os/file.ts';
import { namespacePath, openNamespace } from '../../os/namespace.ts';
import { SIGNAL } from '../../os/signal.ts';
import { withTimeout } from '../../os/timer.ts';
import { unmountAll } from '../../os/unmount.ts';
import type { StatsContainerResponse } from '../../protocols/gen/agent.ts';
import type { LinuxResources } from '../../protocols/gen/oci.ts';
import { NR } from '../../syscall/numbers.ts';
import { Cgroup } from '../cgroup/cgroup.ts';
import { limitDevices } from '../cgroup/device-filter.ts';
import { NO_LIMITS, splitCpuQuota } from '../cgroup/resources.ts';
import { type ContainerOptions, type ExecOptions, INIT_EXEC_ID } from './container-options.ts';
import { type ExecTarget, runExecChild } from './exec-child.ts';
import type { GuestProcess } from './guest-process.ts';
import { type HookState, hookState, runHooks, tryHooks } from './hooks.ts';
import { runInitChild } from './init-child.ts';
import { abandon, type Launched, launchIn, untilExecuted, untilReady } from './launch.ts';
import { closePlan, namespacesOf } from './namespaces.ts';
import { type ContainerPlan, planContainer } from './plan-container.ts';
import { planProcess } from './plan-process.ts';
import { noStdio, pipeStdio, type Stdio, terminalStdio } from './stdio.ts';
import { openPtyInRoot } from './terminal.ts';

/** created: held before exec; running; paused: frozen; stopped: its first process ended. */
export type ContainerState = 'created' | 'running' | 'paused' | 'stopped';

/** How long processes that were killed may take to be gone. */
const END_TIMEOUT_MS = 10_000;

/** A container: its cgroup, its namespaces, its processes. */
export class Container {
  readonly id: string;
  /** Every process that was started and not forgotten, by exec id; the first one is `INIT_EXEC_ID`. */
  readonly processes = new Map<string, GuestProcess>();
  readonly cgroup: Cgroup;
  /** What could not be done and does no harm, for the log. */
  readonly warnings: readonly string[];
  readonly #options: ContainerOptions;
  /** Namespaces that an exec enters, beside the pid namespace. */
  readonly #namespaces: number;
  /** Whether its first process is the init of a pid namespace. */
  readonly #ownsPids: boolean;
  /** The talk with the first process, until it is started. */
  #held: Launched | null;
  #paused = false;
  #removed = false;

  private constructor(
    options: ContainerOptions,
    plan: ContainerPlan,
    cgroup: Cgroup,
    held: Launched,
    warnings: string[],
  ) {
    this.id = options.id;
    this.cgroup = cgroup;
    this.warnings = warnings;
    this.#options = options;
    this.#held = held;
    this.#namespaces = namespacesOf(plan.namespaces);
    this.processes.set(INIT_EXEC_ID, held.process);
    // In the pod's pid namespace nobody but us ends the others when the first process ends.
    this.#ownsPids = plan.namespaces.pidFd === undefined;
    if (!this.#ownsPids) void held.process.exited.then(() => cgroup.killAll());
  }

  /** Makes a container: everything up to just before exec. What fails leaves nothing behind. */
  static async create(options: ContainerOptions): Promise<Container> {
    const plan = planContainer(options);
    let cgroup: Cgroup | undefined;
    let held: Launched | undefined;
    try {
      const prepared = await options.prepared?.(plan);
      cgroup = prepared?.cgroup ?? Cgroup.create(cgroupName(options.id), options.cgroupRoot);
      // What the set-up needs of CPU time is ours, and would take seconds out of a small quota.
      const [early, late] = splitCpuQuota(options.spec.linux?.resources ?? NO_LIMITS);
      cgroup.apply(early);
      held = prepared === undefined ? launchInit(plan, cgroup, options.pipeSizeBytes) : await prepared.become(plan);
      const { process } = held;
      const warnings = await untilReady(held, () => runCreationHooks(options, plan, process));
      cgroup.apply(late);
      // Only now, since the set-up may mount disks that the container itself may not use.
      limitDevices(cgroup, options.spec.linux?.resources?.devices ?? [], plan.devices);
      return new Container(options, plan, cgroup, held, warnings);
    } catch (error) {
      if (held !== undefined) await abandon(held);
      cgroup?.remove();
      throw error;
    } finally {
      closePlan(plan.namespaces);
    }
  }

  get init(): GuestProcess {
    return this.processes.get(INIT_EXEC_ID)!;
  }

  get state(): ContainerState {
    if (this.init.status !== undefined) return 'stopped';
    if (this.#held !== null) return 'created';
    return this.#paused ? 'paused' : 'running';
  }

  /** A process by its exec id; the container's own id and an empty one mean the first. */
  process(execId: string): GuestProcess {
    const process = this.processes.get(execId === this.id ? INIT_EXEC_ID : execId);
    if (process !== undefined) return process;
    throw new KataError('not-found', `container ${this.id} has no process ${execId}`);
  }

  /** Lets the first process execute its program; that it cannot is an error that names it, and its end. */
  async start(): Promise<void> {
    const held = this.#held;
    if (held === null || this.state !== 'created') throw this.#isNot('created', 'start it');
    this.#held = null;
    const { hooks } = this.#options.spec;
    try {
      await runHooks(hooks?.startContainer ?? [], this.#hookState('created'), this.#place);
    } catch (error) {
      await abandon(held);
      throw error;
    }
    held.channel.go();
    await untilExecuted(held);
    await tryHooks(hooks?.poststart ?? [], this.#hookState('running'));
  }

  /** Starts a further process; returns when its program has replaced ours. It stays in `processes` until `forget`. */
  async exec({ execId, process, stringUser }: ExecOptions): Promise<GuestProcess> {
    if (this.state !== 'running' && this.state !== 'created') throw this.#isNot('running', `run ${execId} in it`);
    if (this.processes.has(execId))
      throw new KataError('already-exists', `container ${this.id} already has a process ${execId}`);
    const plan = planProcess(process, stringUser, this.#options.spec.linux?.seccomp);
    const target = this.#place;
    const stdio = plan.terminal ? this.#terminal() : pipeStdio(this.#options.pipeSizeBytes);
    const launched = launchIn(this.cgroup, execId, { pidNamespaceFd: target.initPidfd }, stdio, (channel, fds) =>
      runExecChild(plan, target, fds, channel),
    );
    this.processes.set(execId, launched.process);
    try {
      await untilExecuted(launched);
    } catch (error) {
      this.processes.delete(execId);
      throw error;
    }
    return launched.process;
  }

  /** Forgets an ended exec and closes our ends of its input and output. */
  forget(execId: string): void {
    const process = this.process(execId);
    process.closeStdio();
    if (process !== this.init) this.processes.delete(execId);
  }

  /**
   * Sends a signal to one process; `not-found` when it has ended.
   *
   * A first process without a handler for SIGTERM gets SIGKILL, as in Kata: the kernel lets no signal through to the
   * init of a pid namespace that it does not handle, and its caller would wait for nothing.
   */
  signal(execId: string, signal: number): void {
    const process = this.process(execId);
    const isNamespaceInit = process === this.init && this.#ownsPids;
    const ignores = signal === SIGNAL.TERM && isNamespaceInit && !handles(process.pid, signal);
    if (!process.kill(ignores ? SIGNAL.KILL : signal))
      throw new KataError('not-found', `process ${execId || this.id} has ended`, { errno: 'ESRCH' });
  }

  /** Sends a signal to every process of the container; none left is fine. */
  signalAll(signal: number): void {
    if (signal === SIGNAL.KILL) this.cgroup.killAll();
    else for (const pid of this.cgroup.pids()) syscall(NR.kill, pid, signal);
  }

  /** Freezes every process; returns when all stand still. */
  async pause(): Promise<void> {
    if (this.state !== 'running') throw this.#isNot('running', 'pause it');
    this.#paused = true;
    try {
      await this.cgroup.freeze();
    } catch (error) {
      await this.resume();
      throw error;
    }
  }

  /** Lets a paused container go on. */
  async resume(): Promise<void> {
    if (this.state !== 'paused') throw this.#isNot('paused', 'resume it');
    await this.cgroup.thaw();
    this.#paused = false;
  }

  /**
   * Changes limits; what isn't named stays, and so do the devices that it may use: container managers send the rules of
   * the start along with each change, as the host numbers its devices.
   */
  update(resources: LinuxResources): void {
    if (this.state === 'stopped') throw this.#isNot('running', 'change its limits');
    this.cgroup.apply(resources);
  }

  /** What the container used. The network is the guest's, not the container's: it is not in here. */
  stats(): StatsContainerResponse {
    return { cgroupStats: this.cgroup.stats(), networkStats: [] };
  }

  /** The pids of all its processes, as the guest's root namespace counts. */
  pids(): number[] {
    return this.cgroup.pids();
  }

  /** A descriptor of its pid namespace, for containers that share it; the caller closes it. */
  openPidNamespace(): number {
    if (this.state === 'stopped') throw this.#isNot('running', 'share its pid namespace');
    return openNamespace(namespacePath('pid', this.init.pid));
  }

  /**
   * Ends what still runs and frees everything, half-made or not; goes on past what fails. The failures are the result,
   * none of them means that nothing is left. May be called again.
   */
  async remove(): Promise<KataError[]> {
    const failures: KataError[] = [];
    const attempt = async (action: () => unknown): Promise<void> => {
      try {
        await action();
      } catch (error) {
        failures.push(KataError.wrap(error, `remove container ${this.id}`));
      }
    };
    await attempt(() => this.#end());
    for (const process of this.processes.values()) process.closeStdio();
    await attempt(() => this.cgroup.remove());
    const { bundle, spec } = this.#options;
    if (!this.#removed) await tryHooks(spec.hooks?.poststop ?? [], hookState(this.#options, 'stopped'));
    this.#removed = true;
    if (bundle !== undefined) {
      failures.push(...unmountAll(bundle, { lazy: true }));
      await attempt(() => removeTree(bundle));
    }
    return failures;
  }

  async #end(): Promise<void> {
    this.#held?.channel.close();
    this.#held = null;
    this.cgroup.killAll();
    for (const process of this.processes.values()) process.kill(SIGNAL.KILL);
    const ends = Promise.all([...this.processes.values()].map(({ exited }) => exited));
    await withTimeout(ends, END_TIMEOUT_MS, `its processes are expected to end within ${END_TIMEOUT_MS} ms`);
    await this.cgroup.waitEmpty(END_TIMEOUT_MS);
  }

  /** What a further process or a hook of the container enters. */
  get #place(): ExecTarget {
    return { initPidfd: this.init.pidfd, namespaces: this.#namespaces };
  }

  #hookState(status: 'created' | 'running'): HookState {
    return hookState(this.#options, status, this.init.pid);
  }

  /** A terminal of the container's own devpts, seen through its first process. */
  #terminal(): Stdio {
    const rootFd = open(`/proc/${this.init.pid}/root`, O.PATH | O.DIRECTORY);
    try {
      return terminalStdio(openPtyInRoot(rootFd));
    } finally {
      close(rootFd);
    }
  }

  #isNot(expected: ContainerState, purpose: string): KataError {
    return new KataError(
      'failed-precondition',
      `container ${this.id} is expected to be ${expected} to ${purpose}, it is ${this.state}`,
    );
  }
}

/** Its folder below the root cgroup; the prefix keeps ids apart from the names of control files. */
const cgroupName = (id: string): string => `kata_${id}`;

function launchInit(plan: ContainerPlan, cgroup: Cgroup, pipeSizeBytes: number | undefined): Launched {
  const stdio = plan.process.terminal ? noStdio() : pipeStdio(pipeSizeBytes);
  const { cloneFlags: flags, pidFd: pidNamespaceFd } = plan.namespaces;
  return launchIn(cgroup, INIT_EXEC_ID, { flags, pidNamespaceFd }, stdio, (channel, fds) =>
    runInitChild(plan, fds, channel),
  );
}

async function runCreationHooks(options: ContainerOptions, plan: ContainerPlan, init: GuestProcess): Promise<void> {
  const { hooks } = options.spec;
  if (hooks === undefined) return;
  const state = hookState(options, 'creating', init.pid);
  await runHooks([...hooks.prestart, ...hooks.createRuntime], state);
  await runHooks(hooks.createContainer, state, { initPidfd: init.pidfd, namespaces: namespacesOf(plan.namespaces) });
}

/** Whether a process has a handler for a signal, by its `SigCgt` (proc_pid_status(5)); true when it is gone. */
function handles(pid: number, signal: number): boolean {
  const caught = /^SigCgt:\s*([0-9a-f]+)/m.exec(readTextIfExists(`/proc/${pid}/status`) ?? '')?.[1];
  return caught === undefined || ((BigInt(`0x${caught}`) >> BigInt(signal - 1)) & 1n) === 1n;
}
