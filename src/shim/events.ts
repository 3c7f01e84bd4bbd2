import { KataError } from '../errors/kata-error.ts';
import { close, pipe, setNonBlocking, write } from '../os/fd.ts';
import { type ChildProcess, type ExitStatus, spawn } from '../os/process.ts';
import { connectUnix } from '../os/socket.ts';
import { sleep, wallClockNs, withTimeout } from '../os/timer.ts';
import type { DeepPartial, MessageType } from '../protocols/codec.ts';
import { EventsDefinition } from '../protocols/gen/event-forward.ts';
import {
  TaskCreate,
  TaskDelete,
  TaskExecAdded,
  TaskExecStarted,
  TaskExit,
  TaskOOM,
  TaskPaused,
  TaskResumed,
  TaskStart,
} from '../protocols/gen/events.ts';
import { Any } from '../protocols/gen/google/protobuf/any.ts';
import { createClient, type ServiceClient, TtrpcClient } from '../ttrpc/client.ts';
import { timestampOf } from './timestamp.ts';

/** The events of a task's life with containerd's topics for them (containerd, core/runtime/events). */
const EVENTS = {
  TaskCreate: { topic: '/tasks/create', type: TaskCreate },
  TaskStart: { topic: '/tasks/start', type: TaskStart },
  TaskOOM: { topic: '/tasks/oom', type: TaskOOM },
  TaskExit: { topic: '/tasks/exit', type: TaskExit },
  TaskDelete: { topic: '/tasks/delete', type: TaskDelete },
  TaskExecAdded: { topic: '/tasks/exec-added', type: TaskExecAdded },
  TaskExecStarted: { topic: '/tasks/exec-started', type: TaskExecStarted },
  TaskPaused: { topic: '/tasks/paused', type: TaskPaused },
  TaskResumed: { topic: '/tasks/resumed', type: TaskResumed },
} as const;

type EventName = keyof typeof EVENTS;
type EventFields<N extends EventName> =
  (typeof EVENTS)[N]['type'] extends MessageType<infer T> ? DeepPartial<T> : never;

/** Where events go. */
export interface EventTarget {
  /** containerd's ttrpc socket (`TTRPC_ADDRESS`); empty when containerd has none. */
  ttrpcAddress: string;
  /**
   * containerd's own binary and socket, the older way: it publishes what it reads. Empty as well: nobody listens, as
   * when kata-runtime runs the shim.
   */
  publishBinary: string;
  containerdAddress: string;
  namespace: string;
}

interface Queued {
  topic: string;
  event: Any;
  timestampNs: bigint;
}

const PUBLISH_TIMEOUT_MS = 5000;
const ATTEMPTS = 3;
/** A containerd that restarts is back by then. */
const AWAY_MS = 15_000;
const AWAY_PAUSE_MS = 250;
/** While containerd is away, so many events wait; the oldest goes first. */
const QUEUE_LIMIT = 4096;

/** Tells containerd what happens to tasks, in order, one at a time; the caller does not wait. */
export class EventPublisher {
  readonly #target: EventTarget;
  readonly #report: (message: string) => void;
  readonly #queue: Queued[] = [];
  #client: TtrpcClient | undefined;
  #events: ServiceClient<typeof EventsDefinition> | undefined;
  #sending: Promise<void> | undefined;
  #flushing = false;

  constructor(target: EventTarget, report: (message: string) => void) {
    this.#target = target;
    this.#report = report;
  }

  publish<N extends EventName>(name: N, fields: EventFields<N>): void {
    const { ttrpcAddress, publishBinary } = this.#target;
    if (ttrpcAddress === '' && publishBinary === '') return;
    const { topic } = EVENTS[name];
    const type: MessageType<unknown> = EVENTS[name].type;
    const event = { typeUrl: `containerd.events.${name}`, value: type.encode(fields).finish() };
    if (this.#queue.length >= QUEUE_LIMIT) {
      const lost = this.#queue.shift()!;
      this.#report(`containerd takes no events: ${lost.topic} is lost`);
    }
    this.#queue.push({ topic, event, timestampNs: wallClockNs() });
    this.#sending ??= this.#sendAll();
  }

  /** Resolves when everything published so far was sent or given up; who is away is no longer waited for. */
  async flush(): Promise<void> {
    this.#flushing = true;
    await this.#sending;
  }

  close(): void {
    this.#client?.close();
    this.#client = undefined;
    this.#events = undefined;
  }

  async #sendAll(): Promise<void> {
    // One turn later: what is published in one go is queued together.
    await undefined;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) await this.#sendOne(next);
    this.#sending = undefined;
  }

  async #sendOne(queued: Queued): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await (this.#target.ttrpcAddress === '' ? this.#runBinary(queued) : this.#forward(queued));
        return;
      } catch (error) {
        this.close();
        const { code } = KataError.from(error);
        const waitedMs = Number(wallClockNs() - queued.timestampNs) / 1e6;
        if ((code === 'not-found' || code === 'unavailable') && waitedMs < AWAY_MS && !this.#flushing) {
          // A daemon that has restarted answers on a new connection at once.
          if (attempt > 1) await sleep(AWAY_PAUSE_MS);
          continue;
        }
        if (attempt < ATTEMPTS) continue;
        this.#report(`event ${queued.topic} could not be given to containerd: ${KataError.from(error).line}`);
        return;
      }
    }
  }

  async #forward(queued: Queued): Promise<void> {
    if (this.#events === undefined) {
      this.#client = new TtrpcClient(await connectUnix(this.#target.ttrpcAddress.replace(/^unix:\/\//, '')));
      this.#events = createClient(EventsDefinition, this.#client);
    }
    const envelope = {
      timestamp: timestampOf(queued.timestampNs),
      namespace: this.#target.namespace,
      topic: queued.topic,
      event: queued.event,
    };
    await this.#events.forward({ envelope }, { timeoutMs: PUBLISH_TIMEOUT_MS });
  }

  async #runBinary({ topic, event }: Queued): Promise<void> {
    const { publishBinary, containerdAddress, namespace } = this.#target;
    const [readEnd, writeEnd] = pipe();
    let child: ChildProcess;
    try {
      const argv = [
        publishBinary,
        '--address',
        containerdAddress,
        'publish',
        '--topic',
        topic,
        '--namespace',
        namespace,
      ];
      child = spawn(argv, { fds: new Map([[0, readEnd]]) });
    } catch (error) {
      close(writeEnd);
      throw error;
    } finally {
      close(readEnd);
    }
    setNonBlocking(writeEnd);
    // A program that ends without reading tells so by its status.
    const written = write(writeEnd, Any.encode(event).finish()).catch(() => {});
    void written.then(() => close(writeEnd));
    let status: ExitStatus;
    try {
      status = await withTimeout(child.wait(), PUBLISH_TIMEOUT_MS, `${publishBinary} publish still runs`);
    } catch (error) {
      child.kill(9);
      await child.wait();
      throw error;
    }
    if (status.code !== 0) throw new KataError('unavailable', `${publishBinary} publish ended with ${status.code}`);
  }
}
