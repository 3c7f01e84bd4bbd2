import { KataError } from '../errors/kata-error.ts';
import type { OciResources } from '../oci/spec.ts';
import { processToAgent } from '../oci/to-agent.ts';
import { parseProcess, parseResources } from '../oci/validate.ts';
import { SIGNAL } from '../os/signal.ts';
import { utf8Decode } from '../os/utf8.ts';
import { Status } from '../protocols/gen/containerd-task-types.ts';
import type * as task from '../protocols/gen/task.ts';
import type { TaskDefinition } from '../protocols/gen/task.ts';
import type { ConsoleWindow } from '../sandbox/debug-console.ts';
import type { ProcessState } from '../sandbox/lifecycle.ts';
import type { Handlers } from '../ttrpc/server.ts';
import { DEBUG_CONSOLE_TYPE } from './debug-console-type.ts';
import type { EventPublisher } from './events.ts';
import { metricsOf } from './metrics.ts';
import { ProcessIo, type Stdio } from './process-io.ts';
import { Task, TaskProcess } from './task.ts';
import { timestampOf } from './timestamp.ts';

/** What the service needs of the process around it. */
export interface TaskHost {
  readonly namespace: string;
  readonly events: EventPublisher;
  readonly version: string;
  readonly shimPid: number;
  warn(message: string): void;
  /** Makes the container in its VM, the VM first if it is the sandbox's own. What it throws left nothing behind. */
  createContainer(request: task.CreateTaskRequest): Promise<Task['container']>;
  /** Takes the container away: out of the guest, and the VM with the last one. */
  remove(container: Task['container']): Promise<void>;
  /** Changes a container's limits. */
  update(container: Task['container'], resources: OciResources): Promise<void>;
  /** The shell of the guest's debug console, a file of the host; null when it must not be opened. */
  debugConsoleShell(): string | null;
  /** Ends the VM, which hangs. */
  killVm(reason: string): Promise<void>;
  /** A container's first process runs, or has ended: for the timeline. */
  started(containerId: string): void;
  exited(containerId: string): void;
  /** Ends the shim once this call is answered. */
  shutdown(): void;
}

const STATUS: Readonly<Record<ProcessState, Status>> = {
  created: Status.CREATED,
  running: Status.RUNNING,
  paused: Status.PAUSED,
  stopped: Status.STOPPED,
};

/** containerd's task service (containerd.task.v2) over the containers of one sandbox. */
export class TaskService {
  readonly #host: TaskHost;
  readonly #tasks = new Map<string, Task>();
  /** Ids whose creation is under way: a second Create of the same id is refused. */
  readonly #creating = new Set<string>();
  #shuttingDown = false;

  constructor(host: TaskHost) {
    this.#host = host;
  }

  get handlers(): Handlers<typeof TaskDefinition> {
    return {
      create: (request) => this.#create(request),
      start: (request) => this.#start(request),
      state: (request) => this.#state(request),
      delete: (request) => this.#delete(request),
      pids: (request) => this.#pids(request),
      pause: (request) => this.#pause(request.id),
      resume: (request) => this.#resume(request.id),
      kill: (request) => this.#kill(request),
      exec: (request) => this.#exec(request),
      resizePty: ({ id, execId, width, height }) => this.#find(id, execId).process.resize(width, height),
      closeIO: ({ id, execId, stdin }) => {
        if (stdin) this.#find(id, execId).io.endInput();
      },
      update: (request) => this.#update(request),
      wait: (request, { cancelled }) => this.#wait(request, cancelled),
      stats: async ({ id }) => ({ stats: metricsOf(await this.#task(id).container.stats()) }),
      connect: ({ id }) => ({
        shimPid: this.#host.shimPid,
        taskPid: this.#tasks.get(id)?.init.pid ?? 0,
        version: this.#host.version,
      }),
      shutdown: () => {
        // What is still being made has nobody who would take it: the caller gave up on it.
        if (this.#tasks.size > 0) return;
        this.#shuttingDown = true;
        this.#host.shutdown();
      },
      checkpoint: () => {
        throw new KataError('unimplemented', 'a VM cannot be checkpointed as a container');
      },
    };
  }

  async #create(request: task.CreateTaskRequest): Promise<task.CreateTaskResponse> {
    const { id, stdin, stdout, stderr, terminal } = request;
    if (this.#shuttingDown)
      throw new KataError('unavailable', `the shim is being shut down, it takes no container ${id}`);
    if (this.#tasks.has(id) || this.#creating.has(id))
      throw new KataError('already-exists', `container ${id} exists already`);
    this.#creating.add(id);
    try {
      const container = await this.#host.createContainer(request);
      let init: TaskProcess;
      try {
        init = await this.#taskProcess(container.init, { stdin, stdout, stderr, terminal });
      } catch (error) {
        await this.#host.remove(container);
        throw error;
      }
      this.#tasks.set(id, new Task(container, init));
      this.#host.events.publish('TaskCreate', {
        containerId: id,
        bundle: request.bundle,
        rootfs: request.rootfs,
        io: { stdin, stdout, stderr, terminal },
        checkpoint: '',
        pid: init.pid,
      });
      // A created container can end before it starts: killed, or with its VM.
      void init.ended().then(() => this.#tellExit(id, '', init));
      return { pid: init.pid };
    } finally {
      this.#creating.delete(id);
    }
  }

  async #start({ id, execId }: task.StartRequest): Promise<task.StartResponse> {
    const { container } = this.#task(id);
    const found = this.#find(id, execId);
    found.expectNotStarted();
    try {
      await found.start(() => this.#launch(container, found));
    } catch (error) {
      // containerd 1.6 reads the FIFOs to their end before it deletes what did not start.
      found.io.close();
      throw error;
    }
    return { pid: found.pid };
  }

  async #launch(container: Task['container'], found: TaskProcess): Promise<void> {
    const { id } = container;
    const { execId } = found.process;
    if (execId === '') {
      await container.start();
      this.#host.events.publish('TaskStart', { containerId: id, pid: found.pid });
      this.#host.started(id);
    } else {
      await container.startExec(execId);
      this.#host.events.publish('TaskExecStarted', { containerId: id, execId, pid: found.pid });
    }
    found.io.start();
  }

  async #exec({ id, execId, spec, stdin, stdout, stderr, terminal }: task.ExecProcessRequest): Promise<void> {
    const owner = this.#task(id);
    const added =
      spec?.typeUrl === DEBUG_CONSOLE_TYPE
        ? await this.#addConsole(owner.container, execId, spec.value, terminal)
        : this.#addExec(owner.container, execId, spec?.value, terminal);
    try {
      const exec = await this.#taskProcess(added, { stdin, stdout, stderr, terminal });
      if (this.#tasks.get(id) !== owner || owner.deletion !== undefined) {
        exec.io.close();
        throw new KataError('not-found', `container ${id} was deleted meanwhile`);
      }
      owner.execs.set(execId, exec);
      this.#host.events.publish('TaskExecAdded', { containerId: id, execId });
      void exec.ended().then(() => this.#tellExit(id, execId, exec));
    } catch (error) {
      owner.container.removeExec(execId);
      throw error;
    }
  }

  #addExec(
    container: Task['container'],
    execId: string,
    spec: Uint8Array | undefined,
    terminal: boolean,
  ): TaskProcess['process'] {
    const what = `the process of exec ${execId}`;
    const process = processToAgent(parseProcess(utf8Decode(spec ?? new Uint8Array()), what));
    return container.addExec(execId, { ...process, terminal });
  }

  /** The guest's debug console, which is asked for as an exec of any of its containers. */
  async #addConsole(
    container: Task['container'],
    execId: string,
    value: Uint8Array,
    terminal: boolean,
  ): Promise<TaskProcess['process']> {
    const shell = this.#host.debugConsoleShell();
    if (shell === null)
      throw new KataError(
        'failed-precondition',
        'debug_console_enabled in [agent.kata] is expected to be true, it is false',
        {
          hint: 'set it; it holds for sandboxes that are made from then on',
        },
      );
    const window = JSON.parse(utf8Decode(value)) as Omit<ConsoleWindow, 'terminal'>;
    return container.addConsole(execId, await container.prepareConsole(shell, { ...window, terminal }));
  }

  #state({ id, execId }: task.StateRequest): task.StateResponse {
    const found = this.#find(id, execId);
    const { process, stdio, reported } = found;
    // Until its end may be told it still runs.
    const state = process.state === 'stopped' && reported === undefined ? 'running' : process.state;
    return {
      id,
      execId,
      bundle: this.#task(id).container.bundle,
      pid: found.pid,
      status: STATUS[state],
      ...stdio,
      exitStatus: reported?.status ?? 0,
      exitedAt: reported === undefined ? undefined : timestampOf(reported.atNs),
    };
  }

  async #delete({ id, execId }: task.DeleteRequest): Promise<task.DeleteResponse> {
    const owner = this.#task(id);
    const found = this.#find(id, execId);
    const { process } = found;
    if (process.state === 'running' || process.state === 'paused')
      throw new KataError('failed-precondition', `${process} is ${process.state}, it must have stopped to be deleted`, {
        hint: 'kill it first',
      });
    // A process that was created and never ran ends here.
    process.end(0);
    const { status, atNs } = await found.ended();
    const { pid } = found;
    found.io.close();
    const exit = { pid, exitStatus: status, exitedAt: timestampOf(atNs) };
    if (execId !== '') {
      owner.execs.delete(execId);
      owner.container.removeExec(execId);
    } else {
      // A second caller waits for the same end.
      owner.deletion ??= this.#removeTask(id, owner, exit);
      await owner.deletion;
    }
    return exit;
  }

  async #removeTask(id: string, owner: Task, exit: task.DeleteResponse): Promise<void> {
    const execs = [...owner.execs.values()].map(async (exec) => {
      exec.process.lost();
      await exec.ended();
      exec.io.close();
    });
    await Promise.all(execs);
    await this.#host.remove(owner.container);
    // Only now is the id free: what is made under it next has nothing to do with this one.
    this.#tasks.delete(id);
    this.#host.events.publish('TaskDelete', { containerId: id, id, ...exit });
  }

  async #pids({ id }: task.PidsRequest): Promise<task.PidsResponse> {
    const { container, init } = this.#task(id);
    const pids = await container.pids();
    if (pids.length === 0 && init.reported === undefined) return { processes: [{ pid: init.pid, info: undefined }] };
    return { processes: pids.map(({ pid }) => ({ pid, info: undefined })) };
  }

  async #pause(id: string): Promise<void> {
    await this.#task(id).container.pause();
    this.#host.events.publish('TaskPaused', { containerId: id });
  }

  async #resume(id: string): Promise<void> {
    await this.#task(id).container.resume();
    this.#host.events.publish('TaskResumed', { containerId: id });
  }

  async #kill({ id, execId, signal, all }: task.KillRequest): Promise<void> {
    const { container } = this.#task(id);
    const { process } = this.#find(id, execId);
    if (process.state === 'stopped') {
      // What should be dead is dead.
      if (signal === SIGNAL.KILL || signal === SIGNAL.TERM) return;
      throw new KataError('not-found', `${process} has ended, no signal reaches it`);
    }
    if (execId !== '' && process.state === 'created') {
      // Nothing runs yet that could be signalled.
      process.end(128 + signal);
      return;
    }
    try {
      await (all && execId === '' ? container.signalAll(signal) : process.signal(signal));
    } catch (error) {
      // A guest that cannot even kill hangs, and would never let go of what is to be removed.
      if (signal !== SIGNAL.KILL || KataError.from(error).code !== 'deadline-exceeded') throw error;
      await this.#host.killVm(`its guest does not answer: ${KataError.from(error).message}`);
    }
  }

  async #update({ id, resources }: task.UpdateTaskRequest): Promise<void> {
    const what = `the resources for container ${id}`;
    const found = parseResources(utf8Decode(resources?.value ?? new Uint8Array()), what);
    await this.#host.update(this.#task(id).container, found);
  }

  async #wait({ id, execId }: task.WaitRequest, cancelled: Promise<void>): Promise<task.WaitResponse> {
    const { status, atNs } = await this.#find(id, execId).endedUnless(cancelled);
    return { exitStatus: status, exitedAt: timestampOf(atNs) };
  }

  async #taskProcess(process: Task['container']['init'], stdio: Stdio): Promise<TaskProcess> {
    const io = await ProcessIo.open(process, stdio, this.#host.namespace, (message) => this.#host.warn(message));
    return new TaskProcess(process, io, stdio);
  }

  #tellExit(containerId: string, execId: string, { pid, reported }: TaskProcess): void {
    this.#host.events.publish('TaskExit', {
      containerId,
      id: execId === '' ? containerId : execId,
      pid,
      exitStatus: reported!.status,
      exitedAt: timestampOf(reported!.atNs),
    });
    if (execId === '') this.#host.exited(containerId);
  }

  #task(id: string): Task {
    const found = this.#tasks.get(id);
    if (found === undefined) throw new KataError('not-found', `there is no container ${id}`);
    return found;
  }

  #find(id: string, execId: string): TaskProcess {
    const owner = this.#task(id);
    const found = execId === '' ? owner.init : owner.execs.get(execId);
    if (found === undefined) throw new KataError('not-found', `container ${id} has no exec ${execId}`);
    return found;
  }
}
