import { KataError } from '../../errors/kata-error.ts';
import type { Spec } from '../../protocols/gen/oci.ts';
import type { Container } from '../container/container.ts';
import { INIT_EXEC_ID } from '../container/container-options.ts';
import type { GuestProcess } from '../container/guest-process.ts';
import { EndedExecs } from '../process/ended-execs.ts';
import { ProcessRecord } from '../process/process-record.ts';

/** A container of the sandbox, with all that goes when it goes. */
export class ContainerEntry {
  readonly container: Container;
  /** As it was asked for, with the sources of its mounts. */
  readonly spec: Spec;
  /** The mount points of its storages, in the order of their attaching. */
  readonly storages: readonly string[];
  /** What the host calls its first process, beside the empty name and the container's own. */
  readonly #initName: string;
  readonly #records = new Map<string, ProcessRecord>();
  readonly #ended = new EndedExecs();

  constructor(container: Container, spec: Spec, storages: readonly string[], initName: string) {
    this.container = container;
    this.spec = spec;
    this.storages = storages;
    this.#initName = initName;
    this.#records.set(INIT_EXEC_ID, new ProcessRecord(container.init));
  }

  /** The process that the host means; `not-found` when there is none of that name. */
  record(execId: string): ProcessRecord {
    const record = this.#records.get(this.execIdOf(execId));
    if (record !== undefined) return record;
    throw new KataError('not-found', `container ${this.container.id} has no process ${JSON.stringify(execId)}`);
  }

  /** The name of a process in `Container`: the first one goes by several names in the API. */
  execIdOf(name: string): string {
    return name === this.container.id || name === this.#initName ? INIT_EXEC_ID : name;
  }

  /** Whether the name is taken. */
  has(execId: string): boolean {
    return this.#records.has(this.execIdOf(execId));
  }

  /** Knows an exec from now on; some time after it has ended it is forgotten. */
  addExec(process: GuestProcess): void {
    const record = new ProcessRecord(process);
    this.#records.set(process.execId, record);
    record.exited.then(() => {
      this.#ended.add(process.execId, record);
      for (const execId of this.#ended.takeSurplus()) {
        this.#records.delete(execId);
        this.container.forget(execId);
      }
    });
  }

  /** All processes that the host has started, by the host's names. */
  get records(): ReadonlyMap<string, ProcessRecord> {
    return this.#records;
  }
}
