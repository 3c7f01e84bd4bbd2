import { KataError } from '../../errors/kata-error.ts';
import { listDirectory } from '../../os/directory.ts';
import { isErrno } from '../../os/errno.ts';
import { exists, readlink } from '../../os/file.ts';
import { IN } from '../../os/inotify.ts';
import { isType, lstat, lstatIfExists, S } from '../../os/stat.ts';
import type { AgentClient } from '../agent-client.ts';
import type { ChangeWatcher } from './change-watcher.ts';
import { copyFolder, copyLink, copyToGuest, readForGuest } from './copy-to-guest.ts';
import { Pacer } from './pacer.ts';

/** kubelet's name for the link to the folder with the present content. */
const DATA = '..data';
/** So often a folder that is swapped while it is read is read anew; its next change is followed then. */
const TRIES = 20;

/**
 * Whether kubelet changes a folder by swapping a link (its "atomic writer"): ConfigMaps, Secrets, projected and downward
 * volumes. Their names are links through `..data`, which leads to a folder named after the time of the change.
 */
export function isSwapped(path: string): boolean {
  const link = lstatIfExists(`${path}/${DATA}`);
  return link !== null && isType(link, S.IFLNK) && !readlink(`${path}/${DATA}`).includes('/');
}

/** A copy of such a folder in the guest, which changes as atomically as the folder does: by the same link. */
export class FollowedFolder {
  readonly #client: AgentClient;
  readonly #source: string;
  readonly #target: string;
  readonly #pacer: Pacer;
  #unwatch = (): void => {};
  /** What `..data` leads to in the guest. */
  #data = '';
  #names = new Set<string>();

  private constructor(client: AgentClient, source: string, target: string, report: (message: string) => void) {
    this.#client = client;
    this.#source = source;
    this.#target = target;
    this.#pacer = new Pacer(() =>
      this.#follow().catch((error: unknown) => {
        const { code, line } = KataError.from(error);
        // The guest is gone, or the pod with its volumes.
        if (code === 'unavailable' || !exists(source)) this.#pacer.stop();
        else report(`a change of ${source} did not reach the guest: ${line}`);
      }),
    );
  }

  /** Copies the folder to `target`, and follows it from now on. */
  static async make(
    client: AgentClient,
    source: string,
    target: string,
    watcher: ChangeWatcher,
    report: (message: string) => void,
  ): Promise<FollowedFolder> {
    const followed = new FollowedFolder(client, source, target, report);
    const mask = IN.MOVED_TO | IN.CREATE | IN.DELETE | IN.ONLYDIR;
    followed.#unwatch = watcher.watch(source, mask, () => followed.#pacer.ask());
    try {
      await copyFolder(client, source, target);
      await followed.#follow();
      return followed;
    } catch (error) {
      followed.close();
      throw error;
    }
  }

  /** Follows it no longer. */
  close(): void {
    this.#pacer.stop();
    this.#unwatch();
  }

  async #follow(): Promise<void> {
    const old = this.#data;
    const data = await this.#copyData();
    // By now the source's own link may lead on to what was not copied yet.
    if (data !== old) await copyLink(this.#client, `${this.#source}/${DATA}`, `${this.#target}/${DATA}`, data);
    this.#data = data;
    await this.#copyNames();
    if (old !== '' && old !== data) await this.#remove(old);
  }

  /**
   * Copies the folder that `..data` leads to. It may be swapped meanwhile, and is then being removed: what was read of it
   * counts only if it was still the one after that.
   */
  async #copyData(): Promise<string> {
    const link = `${this.#source}/${DATA}`;
    for (let tries = 1; ; tries++) {
      const data = readlink(link);
      if (data === this.#data) return data;
      try {
        const send = readForGuest(this.#client, `${this.#source}/${data}`, `${this.#target}/${data}`);
        if (readlink(link) === data) {
          await send();
          return data;
        }
      } catch (error) {
        if (!isErrno(error, 'ENOENT')) throw error;
      }
      if (tries === TRIES) throw new KataError('aborted', `it was swapped ${TRIES} times while it was read`);
    }
  }

  /** The names that people see are links through `..data`: they come and go with the keys. */
  async #copyNames(): Promise<void> {
    const names = new Set(listDirectory(this.#source).filter((name) => !name.startsWith('..')));
    for (const name of names)
      if (!this.#names.has(name)) await copyEntry(this.#client, this.#source, this.#target, name);
    for (const name of this.#names) if (!names.has(name)) await this.#remove(name);
    this.#names = names;
  }

  /** Upstream's agent removes nothing that was copied: there, what is out of date stays, and nothing leads to it. */
  async #remove(name: string): Promise<void> {
    await this.#client.extension.removeCopy({ path: `${this.#target}/${name}` }).catch((error: unknown) => {
      if (KataError.from(error).code !== 'unimplemented') throw error;
    });
  }
}

/** A name that is gone again is none to copy. What is no link is copied once, as it is. */
async function copyEntry(client: AgentClient, source: string, target: string, name: string): Promise<void> {
  const path = `${source}/${name}`;
  try {
    const copy = isType(lstat(path), S.IFLNK) ? copyLink : copyToGuest;
    await copy(client, path, `${target}/${name}`);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
}
