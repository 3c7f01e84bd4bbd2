import { KataError } from '../../errors/kata-error.ts';
import { close } from '../../os/fd.ts';
import { MAX_FDS } from '../../os/fd-passing.ts';
import { openTree } from '../../os/mount.ts';
import { namespacePath, openNamespace } from '../../os/namespace.ts';
import { pathOfFd } from '../../os/resolve.ts';
import { Cgroup } from '../cgroup/cgroup.ts';
import { HANDED_MAX } from './channel.ts';
import { encodePlan } from './child-plan.ts';
import { type ContainerOptions, INIT_EXEC_ID } from './container-options.ts';
import { abandon, failure, type Launched, launchIn } from './launch.ts';
import { nameOf } from './mount-all.ts';
import { closePlan } from './namespaces.ts';
import { type ContainerPlan, planContainer } from './plan-container.ts';
import type { PlannedMount } from './plan-mounts.ts';
import { runPreparedChild } from './prepared-child.ts';
import { propagationFlags } from './root-mount.ts';
import { isSharedPropagation } from './stage.ts';
import { pipeStdio } from './stdio.ts';
import { step } from './step.ts';

let made = 0;

/**
 * The first process of a container that is still to come: in its cgroup and its namespaces, with the file systems mounted
 * that most containers have. It waits to be told the rest. Half of the time that it takes to make a container under emulation is
 * spent before the container is known.
 */
export class PreparedInit {
  /** The container's, once there is one. */
  readonly cgroup: Cgroup;
  readonly #plan: ContainerPlan;
  readonly #held: Launched;
  #handed: Uint8Array = new Uint8Array();

  private constructor(plan: ContainerPlan, cgroup: Cgroup, held: Launched) {
    this.#plan = plan;
    this.cgroup = cgroup;
    this.#held = held;
  }

  /** Makes one for containers like that of `options`, whose root and process do not matter. What fails leaves nothing behind. */
  static async make(options: Omit<ContainerOptions, 'id'>): Promise<PreparedInit> {
    const plan = planContainer(options);
    let cgroup: Cgroup | undefined;
    let held: Launched | undefined;
    try {
      cgroup = Cgroup.create(`prepared_${made++}`, options.cgroupRoot);
      const { cloneFlags: flags, pidFd: pidNamespaceFd } = plan.namespaces;
      held = launchIn(
        cgroup,
        INIT_EXEC_ID,
        { flags, pidNamespaceFd },
        pipeStdio(options.pipeSizeBytes),
        (channel, fds) => runPreparedChild(plan, fds, channel),
      );
      const message = await held.channel.next();
      if (message?.kind !== 'prepared') throw await failure(held.process, null);
      return new PreparedInit(plan, cgroup, held);
    } catch (error) {
      if (held !== undefined) await abandon(held);
      cgroup?.remove();
      throw KataError.wrap(error, 'prepare a container');
    } finally {
      closePlan(plan.namespaces);
    }
  }

  /** Whether it lives, and can become the first process of a container of this plan. */
  suits(plan: ContainerPlan): boolean {
    if (this.#held.process.status !== undefined) return false;
    if (isSharedPropagation(propagationFlags(plan.rootPropagation))) return false;
    // The root, and perhaps the network namespace, come along with the binds.
    if (namespacesText(plan) !== namespacesText(this.#plan) || bindsOf(plan).length > MAX_FDS - 2) return false;
    this.#handed = encodePlan(plan, this.#plan.process.seccomp, this.#changesNetwork(plan));
    return this.#handed.length <= HANDED_MAX;
  }

  /** Whether it waits in another network namespace: that is known only when the guest has a network, or has none. */
  #changesNetwork(plan: ContainerPlan): boolean {
    return networkOf(plan) !== networkOf(this.#plan);
  }

  /** Hands it over to a container of the plan that it was last asked about, and suited. */
  async become(plan: ContainerPlan): Promise<Launched> {
    const trees: number[] = [];
    try {
      if (this.#changesNetwork(plan)) trees.push(openNamespace(networkPathOf(plan)));
      // The child's namespace is older than what has been mounted for this container.
      trees.push(step('prepare the root', () => openTree(plan.rootPath, { recursive: true })));
      for (const mount of bindsOf(plan)) trees.push(step(nameOf(mount), () => openTree(mount.source, mount)));
      await this.#held.channel.hand(this.#handed, trees);
      // A container with a terminal opens it by itself.
      if (plan.process.terminal) this.#held.process.closeStdio();
      return this.#held;
    } catch (error) {
      await abandon(this.#held);
      throw error;
    } finally {
      for (const tree of trees) close(tree);
    }
  }

  /** Sends it a signal. */
  signal(signal: number): void {
    this.#held.process.kill(signal);
  }

  /** Ends it: nobody wants it. */
  async discard(): Promise<void> {
    await abandon(this.#held);
    this.cgroup.remove();
  }
}

const bindsOf = ({ mounts }: ContainerPlan): PlannedMount[] => mounts.filter(({ kind }) => kind === 'bind');

/** Two plans of the same text have the same namespaces, but for that of the network, which can be entered later. */
const namespacesText = ({ namespaces: { cloneFlags, pidFd, enter } }: ContainerPlan): string =>
  JSON.stringify([cloneFlags, pidFd, enter.filter(({ kind }) => kind !== 'net')]);

/** The descriptor of the network namespace that a plan enters; undefined: the agent's own. */
const networkOf = ({ namespaces }: ContainerPlan): number | undefined =>
  namespaces.enter.find(({ kind }) => kind === 'net')?.fd;

function networkPathOf(plan: ContainerPlan): string {
  const fd = networkOf(plan);
  return fd === undefined ? namespacePath('net') : pathOfFd(fd);
}
