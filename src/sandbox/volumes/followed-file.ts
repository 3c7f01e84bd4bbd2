import { KataError } from '../../errors/kata-error.ts';
import { readFile } from '../../os/file.ts';
import { IN } from '../../os/inotify.ts';
import { stat } from '../../os/stat.ts';
import type { AgentClient } from '../agent-client.ts';
import type { ChangeWatcher } from './change-watcher.ts';
import { copyToGuest } from './copy-to-guest.ts';
import { Pacer } from './pacer.ts';

/** Larger files are copied once: kubelet changes none that is as large as a ConfigMap. */
const LIMIT_BYTES = 1 << 20;

/**
 * A copy of one file in the guest that is written anew, in place, when the file is: `/etc/hosts` and the like, as a bind
 * mount shows them. A file that takes its name is another one, and no concern of a bind mount.
 */
export class FollowedFile {
  readonly #pacer: Pacer;
  readonly #unwatch: () => void;

  private constructor(pacer: Pacer, unwatch: () => void) {
    this.#pacer = pacer;
    this.#unwatch = unwatch;
  }

  static async make(
    client: AgentClient,
    source: string,
    target: string,
    watcher: ChangeWatcher,
    report: (message: string) => void,
  ): Promise<FollowedFile> {
    const pacer = new Pacer(() =>
      rewrite(client, source, target).catch((error: unknown) => {
        const { code, line } = KataError.from(error);
        if (code === 'unavailable' || code === 'not-found' || code === 'unimplemented') pacer.stop();
        else report(`a change of ${source} did not reach the guest: ${line}`);
      }),
    );
    const followed = new FollowedFile(
      pacer,
      watcher.watch(source, IN.MODIFY, () => pacer.ask()),
    );
    try {
      await copyToGuest(client, source, target);
      return followed;
    } catch (error) {
      followed.close();
      throw error;
    }
  }

  close(): void {
    this.#pacer.stop();
    this.#unwatch();
  }
}

async function rewrite(client: AgentClient, source: string, path: string): Promise<void> {
  if (stat(source).sizeBytes > LIMIT_BYTES)
    throw new KataError('resource-exhausted', `it is larger than ${LIMIT_BYTES} bytes by now`);
  await client.extension.rewriteCopy({ path, data: readFile(source, LIMIT_BYTES) });
}
