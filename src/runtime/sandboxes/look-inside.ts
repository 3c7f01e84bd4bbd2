import { KataError } from '../../errors/kata-error.ts';
import { Status } from '../../protocols/gen/containerd-task-types.ts';
import type { RecordedContainer } from '../../sandbox/sandbox-record.ts';
import { readContainer } from '../container-store.ts';
import { connectShim } from '../shim-client.ts';
import type { Sandbox } from './read-sandboxes.ts';

/** A container of a sandbox, as its shim knows it now. */
export interface ContainerInside extends RecordedContainer {
  /** `unknown` when the shim does not say. */
  status: 'created' | 'running' | 'stopped' | 'paused' | 'unknown';
  /** Of its first process, by the guest's numbers. */
  pid: number;
}

const TIMEOUT_MS = 2000;
const NAMES: Readonly<Partial<Record<Status, ContainerInside['status']>>> = {
  [Status.CREATED]: 'created',
  [Status.RUNNING]: 'running',
  [Status.STOPPED]: 'stopped',
  [Status.PAUSED]: 'paused',
  [Status.PAUSING]: 'paused',
};

/** Asks a sandbox's shim for its containers; a shim that does not answer leaves them unknown. */
export async function lookInside({ record, status }: Sandbox): Promise<ContainerInside[]> {
  const containers = (record?.containers ?? []).map((each) => ({ ...known(each), status: 'unknown' as const, pid: 0 }));
  if (record === null || status === 'broken') return containers;
  try {
    const shim = await connectShim(`unix://${record.socket}`);
    try {
      return await Promise.all(
        containers.map(async (container) => {
          const { status: code, pid } = await shim.task.state({ id: container.id }, { timeoutMs: TIMEOUT_MS });
          return { ...container, status: NAMES[code] ?? ('unknown' as const), pid };
        }),
      );
    } finally {
      shim.close();
    }
  } catch (error) {
    const { code } = KataError.from(error);
    if (['not-found', 'unavailable', 'deadline-exceeded'].includes(code)) return containers;
    throw error;
  }
}

/** With the name and the image that kata-runtime gave it, if it did. */
function known(container: RecordedContainer): RecordedContainer {
  const own = readContainer(container.id);
  return own === null ? container : { ...container, name: own.name, image: own.image };
}
