import { KataError } from '../../errors/kata-error.ts';
import type { Storage } from '../../protocols/gen/agent.ts';
import { log } from '../log/log.ts';
import { SANDBOX_FOLDER } from '../sandbox/guest-paths.ts';
import { isLayer, LAYERS_DRIVER, planLayers } from './layer-group.ts';
import { attachLayers } from './layers.ts';
import type { AttachedStorage, StorageContext, StorageDriver } from './storage-driver.ts';

interface Entry {
  /** Whose storages these are: one for each time that a container, or the sandbox, has named it. */
  users: number;
  /** Stays until the sandbox goes, whoever uses it. */
  lasting: boolean;
  attached: Promise<AttachedStorage>;
}

/** Something to attach. */
interface Task {
  /** The driver, for messages. */
  name: string;
  mountPoint: string;
  lasting: boolean;
  attach(): Promise<AttachedStorage>;
}

/** What is mounted in the guest, by mount point, and how many use each. */
export class StorageTable {
  readonly #drivers: ReadonlyMap<string, StorageDriver>;
  readonly #context: StorageContext;
  readonly #entries = new Map<string, Entry>();

  constructor(drivers: readonly StorageDriver[], context: StorageContext) {
    this.#drivers = new Map(drivers.map((driver) => [driver.name, driver]));
    this.#context = context;
  }

  /**
   * Makes storages available, in their order. Returns their mount points, to give them back with `release`. One that
   * is available already is used by one more. After a failure none of them is used.
   */
  async attachAll(storages: readonly Storage[]): Promise<string[]> {
    const taken: string[] = [];
    try {
      for (const task of this.#tasksOf(storages)) {
        await this.#attach(task);
        taken.push(task.mountPoint);
      }
      return taken;
    } catch (error) {
      for (const failure of await this.release(taken)) log.error('a storage is left behind', { error: failure });
      throw error;
    }
  }

  /** Uses these no longer, the last first; what nobody uses is taken away. The failures are the result. */
  async release(mountPoints: readonly string[]): Promise<KataError[]> {
    const failures: KataError[] = [];
    for (const mountPoint of [...mountPoints].reverse()) {
      const entry = this.#entries.get(mountPoint);
      if (entry === undefined || --entry.users > 0 || entry.lasting) continue;
      failures.push(...(await this.#detach(mountPoint, entry)));
    }
    return failures;
  }

  /** Takes everything away, the last first, whoever uses it. The failures are the result. */
  async releaseEverything(): Promise<KataError[]> {
    const failures: KataError[] = [];
    for (const [mountPoint, entry] of [...this.#entries].reverse())
      failures.push(...(await this.#detach(mountPoint, entry)));
    return failures;
  }

  /** What is to be attached: each storage, but layers of one root as one, where the first of them stands. */
  #tasksOf(storages: readonly Storage[]): Task[] {
    const layers = storages.filter(isLayer);
    const tasks: Task[] = [];
    for (const storage of storages) {
      const lasting = isLasting(storage);
      if (!isLayer(storage)) {
        const driver = this.#driver(storage);
        const attach = () => driver.attach(storage, this.#context);
        tasks.push({ name: driver.name, mountPoint: storage.mountPoint, lasting, attach });
      } else if (storage === layers[0]) {
        const attach = () => attachLayers(layers, this.#context);
        tasks.push({ name: LAYERS_DRIVER, mountPoint: planLayers(layers).target, lasting, attach });
      }
    }
    return tasks;
  }

  #driver({ driver: name }: Storage): StorageDriver {
    const driver = this.#drivers.get(name);
    if (driver !== undefined) return driver;
    throw new KataError('invalid-argument', `storage driver ${JSON.stringify(name)} is not known`, {
      hint: `use one of ${[...this.#drivers.keys()].join(', ')}`,
    });
  }

  async #attach({ name, mountPoint, lasting, attach }: Task): Promise<void> {
    const known = this.#entries.get(mountPoint);
    if (known !== undefined) {
      known.users++;
      await known.attached;
      return;
    }
    checkMountPoint(mountPoint);
    const attached = attach().catch((error: unknown) => {
      throw KataError.wrap(error, `${name} storage at ${mountPoint}`);
    });
    this.#entries.set(mountPoint, { users: 1, lasting, attached });
    try {
      await attached;
    } catch (error) {
      this.#entries.delete(mountPoint);
      throw error;
    }
  }

  async #detach(mountPoint: string, entry: Entry): Promise<KataError[]> {
    this.#entries.delete(mountPoint);
    try {
      return (await entry.attached).detach();
    } catch {
      // It never was attached; whoever asked for it knows why.
      return [];
    }
  }
}

/**
 * An emptyDir of a pod outlives the container that uses it, which may be made again; upstream's runtimes put those, and
 * what is the sandbox's, below one folder. `shared` says the same of any other.
 */
function isLasting(storage: Storage): boolean {
  return storage.shared || storage.mountPoint.startsWith(`${SANDBOX_FOLDER}/`);
}

function checkMountPoint(path: string): void {
  if (/^\/[^/]/.test(path) && !path.split('/').includes('..')) return;
  throw new KataError(
    'invalid-argument',
    `an absolute mount point without .. is expected, found ${JSON.stringify(path)}`,
  );
}
