import type { StringUser } from '../../protocols/gen/agent.ts';
import type { Process, Spec } from '../../protocols/gen/oci.ts';
import type { ContainerPlan } from './plan-container.ts';
import type { PreparedInit } from './prepared-init.ts';

/** What the containers of a sandbox share. The descriptors stay the caller's. */
export interface SharedNamespaces {
  /** The pod's pid namespace. None: each container has its own. */
  pidFd?: number | undefined;
  /** None: a container has its own where its spec lists the namespace, else the agent's. */
  ipcFd?: number | undefined;
  utsFd?: number | undefined;
  netFd?: number | undefined;
}

export interface ContainerOptions {
  id: string;
  /**
   * The runtime-spec. Its `root.path` and the sources of its mounts are paths of the guest and are trusted; everything
   * inside the root comes from an image and is not.
   */
  spec: Spec;
  shared?: SharedNamespaces;
  /** A user and groups by name, looked up in the image's `/etc/passwd` and `/etc/group`; instead of `process.user`. */
  stringUser?: StringUser | undefined;
  /** `auto` (the default) lets `/etc/mtab` tell the truth, see `fix-mtab.ts`. */
  fixMtab?: 'auto' | 'off';
  /** What the container's pipes hold at most, in bytes. Default: 1 MiB. */
  pipeSizeBytes?: number | undefined;
  /** The folder of the container's own files, removed with it, whatever is mounted inside. */
  bundle?: string | undefined;
  /** A first process that was made ahead and suits a plan; from then on it is the container's. */
  prepared?: ((plan: ContainerPlan) => Promise<PreparedInit | undefined> | PreparedInit | undefined) | undefined;
  /** Where cgroup v2 is mounted. Default: `/sys/fs/cgroup`. */
  cgroupRoot?: string;
}

export interface ExecOptions {
  execId: string;
  process: Process;
  stringUser?: StringUser | undefined;
}

/** The id of a container's first process in `Container.processes` and in the agent's API. */
export const INIT_EXEC_ID = '';
