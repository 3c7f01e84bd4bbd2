import { KataError } from '../../errors/kata-error.ts';
import { isBind } from '../../oci/bind-mount.ts';
import type { OciMount, OciSpec } from '../../oci/spec.ts';
import { isType, S, stat } from '../../os/stat.ts';
import { listMounts } from '../../os/unmount.ts';
import type { Storage } from '../../protocols/gen/agent.ts';
import type { AgentClient } from '../agent-client.ts';
import { GUEST_SHM } from '../guest-paths.ts';
import type { SandboxLog } from '../sandbox-log.ts';
import type { ChangeWatcher } from './change-watcher.ts';
import { copyToGuest, guestCopyPath } from './copy-to-guest.ts';
import { emptyDirStorage, emptyDirSubPath } from './empty-dir.ts';
import { FollowedFile } from './followed-file.ts';
import { FollowedFolder, isSwapped } from './followed-folder.ts';
import { kubeletPath } from './kubelet-path.ts';
import { TERMINATION_PATH_ANNOTATION } from './termination-log.ts';

export interface VolumesHost {
  client: AgentClient;
  watcher: ChangeWatcher;
  log: SandboxLog;
  guestMemoryBytes: number;
  /** Whether the mount at this place in the spec is brought there in another way, as a disk. */
  isElsewhere(index: number): boolean;
}

/** kubelet's default of `terminationMessagePath`. */
const TERMINATION_LOG = '/dev/termination-log';

/**
 * What the host mounts into a container, brought into a guest that shares no files: the pod's shared memory and its
 * emptyDirs are the guest's own, everything else is copied. Copies of ConfigMaps, Secrets and the like follow those, and
 * so do copies of single files; of a folder that is none of kubelet's the copy is as it was, on either side.
 */
export class HostVolumes {
  /** By the mount's place in the spec: where the agent finds it. */
  readonly sources = new Map<number, string>();
  readonly storages: Storage[] = [];
  /** To be added to those of the spec. */
  readonly annotations: Record<string, string> = {};
  /** The host's file that takes the reason of the container's end. */
  terminationLog: string | undefined;
  readonly #host: VolumesHost;
  readonly #containerId: string;
  readonly #followed: { close(): void }[] = [];

  private constructor(host: VolumesHost, containerId: string) {
    this.#host = host;
    this.#containerId = containerId;
  }

  /** Throws `not-found` for a source that isn't there, else as `copyToGuest` does; what is half done stays for `close`. */
  static async make(host: VolumesHost, containerId: string, spec: OciSpec): Promise<HostVolumes> {
    const volumes = new HostVolumes(host, containerId);
    // All at once: under emulation the way to the agent and back takes longer than a small file's copy.
    const brought = (spec.mounts ?? []).map(async (mount, index) => {
      if (isBind(mount) && !host.isElsewhere(index))
        volumes.sources.set(index, await volumes.#bring(mount, spec.annotations ?? {}));
    });
    try {
      await Promise.all(brought);
      return volumes;
    } catch (error) {
      await Promise.allSettled(brought);
      volumes.close();
      throw error;
    }
  }

  /** Follows nothing any longer. Idempotent. */
  close(): void {
    for (const followed of this.#followed.splice(0)) followed.close();
  }

  async #bring(mount: OciMount, annotations: Readonly<Record<string, string>>): Promise<string> {
    const { destination, source = '' } = mount;
    const known = kubeletPath(source);
    if (known?.kind === 'empty-dir') return this.#emptyDir(source, known.volume);
    if (known?.kind === 'sub-path' && isFolder(known.emptyDir)) return this.#subPath(source, known);
    // The pod's shared memory is the guest's: the host's would be another one.
    if (destination === '/dev/shm') return GUEST_SHM;
    const target = guestCopyPath(this.#containerId, source);
    if (isSwapped(source)) await this.#follow(FollowedFolder, source, target);
    else if (isFolder(source)) await this.#copyOnce(source, target);
    else if (
      known?.kind === 'termination-log' ||
      destination === TERMINATION_LOG ||
      isNamed(destination, annotations)
    ) {
      await copyToGuest(this.#host.client, source, target);
      this.terminationLog = source;
      this.annotations[TERMINATION_PATH_ANNOTATION] = destination;
    } else await this.#follow(FollowedFile, source, target);
    return target;
  }

  #emptyDir(path: string, volume: string): string {
    const storage = emptyDirStorage(path, volume, this.#host.guestMemoryBytes);
    this.storages.push(storage);
    return storage.mountPoint;
  }

  /** A folder of an emptyDir: which one, the mount table tells, by what is mounted there. */
  #subPath(source: string, { volume, emptyDir }: { volume: string; emptyDir: string }): string {
    const whole = this.#emptyDir(emptyDir, volume);
    const root = listMounts().findLast(({ mountPoint }) => mountPoint === source)?.root ?? '';
    // Of a disk it is a path that holds the volume's, of a tmpfs the path within.
    const [, within = root] = root.split(`/kubernetes.io~empty-dir/${volume}`);
    if (within === '' || within === '/') return whole;
    if (!isFolder(source))
      throw new KataError('unimplemented', `${source} is one file of an emptyDir, which the guest cannot share`, {
        hint: 'mount a folder of the volume by subPath',
      });
    const storage = emptyDirSubPath(source, `${whole}${within}`);
    this.storages.push(storage);
    return storage.mountPoint;
  }

  async #follow(kind: typeof FollowedFile | typeof FollowedFolder, source: string, target: string): Promise<void> {
    const { client, watcher, log } = this.#host;
    this.#followed.push(await kind.make(client, source, target, watcher, (message) => log.warning(message)));
  }

  async #copyOnce(source: string, target: string): Promise<void> {
    this.#host.log.info(
      `${source} is copied into container ${this.#containerId}: without a shared file system changes do not reach the other side`,
    );
    await copyToGuest(this.#host.client, source, target);
  }
}

const isNamed = (destination: string, annotations: Readonly<Record<string, string>>): boolean =>
  annotations[TERMINATION_PATH_ANNOTATION] === destination;

function isFolder(path: string): boolean {
  try {
    return isType(stat(path), S.IFDIR);
  } catch (error) {
    if (KataError.from(error).code === 'not-found') return false;
    throw error;
  }
}
