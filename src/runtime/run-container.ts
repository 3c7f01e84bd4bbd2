import { KataError } from '../errors/kata-error.ts';
import { parseImageConfig } from '../oci/image-config.ts';
import { imageToSpec, type RunOptions } from '../oci/image-to-spec.ts';
import { parseSignal } from '../oci/signals.ts';
import { close, O, open } from '../os/fd.ts';
import { makeFifo, readTextIfExists, writeFile } from '../os/file.ts';
import { SIGNAL } from '../os/signal.ts';
import { sleep } from '../os/timer.ts';
import { Options } from '../protocols/gen/runtime-options.ts';
import type { RootImage } from '../rootfs/root-image.ts';
import { mostMemoryMib } from '../sandbox/most-memory.ts';
import { Teardown } from '../sandbox/teardown.ts';
import type { Stdio } from '../shim/process-io.ts';
import { concludeContainer } from './container-exit.ts';
import {
  addContainer,
  type ContainerRecord,
  containerDirectory,
  logFiles,
  newContainerId,
  removeContainerDirectory,
  shortId,
} from './container-store.ts';
import { statusOfFailure } from './exit-status.ts';
import type { GlobalOptions } from './global-options.ts';
import { addHostFiles } from './host-files.ts';
import { obtainImage, openImageStore, openRootCache } from './images.ts';
import { loadRuntimeConfig, type RuntimeConfiguration } from './load-config.ts';
import { complain, print, tell } from './output.ts';
import { randomContainerName } from './random-name.ts';
import { endShim, type ShimClient, startShim } from './shim-client.ts';
import { killProcess, runAttached } from './stdio/attach-process.ts';
import { AttachedIo } from './stdio/attached-io.ts';
import { UserSignals } from './stdio/signals.ts';
import { requireTerminal, userWindowSize } from './stdio/user-terminal.ts';
import { formatTimeline } from './timeline.ts';
import { watchDetached } from './watch-detached.ts';

/** What `run` was asked for. */
export interface RunRequest {
  image: string;
  /** Of the container: what is not said comes from the image. */
  options: RunOptions;
  name: string | undefined;
  detach: boolean;
  /** `-i`. */
  stdin: boolean;
  autoRemove: boolean;
  /** Tell the start's timeline in the end. */
  timeline: boolean;
  /** Fetch without a word. */
  quiet: boolean;
}

/** A container that is not there yet, with all that making it needs. */
interface Plan {
  record: ContainerRecord;
  spec: ReturnType<typeof imageToSpec>;
  root: RootImage;
}

/** The programs that fetch and unpack an image get the terminal's signals as well; what they leave is removed meanwhile. */
const UNDO_IMAGE_MS = 2000;

/**
 * Runs a container in a VM of its own; the exit status for the shell. `sinceMs` is when kata-runtime began, by the
 * monotonic clock. A start that fails or is interrupted leaves nothing behind.
 */
export async function runContainer(request: RunRequest, global: GlobalOptions, sinceMs: number): Promise<number> {
  const signals = new UserSignals();
  const teardown = new Teardown(complain);
  try {
    if (!request.detach) requireTerminal({ stdin: request.stdin, terminal: request.options.terminal ?? false });
    return await new Run(request, global, sinceMs, signals, teardown).run();
  } catch (error) {
    await teardown.run();
    if (signals.signal !== 0) return 128 + signals.signal;
    complain(KataError.from(error).line);
    return statusOfFailure(error);
  } finally {
    signals.close();
  }
}

class Run {
  readonly #request: RunRequest;
  readonly #global: GlobalOptions;
  readonly #sinceMs: number;
  readonly #signals: UserSignals;
  readonly #teardown: Teardown;

  constructor(request: RunRequest, global: GlobalOptions, sinceMs: number, signals: UserSignals, teardown: Teardown) {
    this.#request = request;
    this.#global = global;
    this.#sinceMs = sinceMs;
    this.#signals = signals;
    this.#teardown = teardown;
  }

  async run(): Promise<number> {
    const configuration = loadRuntimeConfig(this.#global, this.#request.options.annotations);
    const plan = await this.#interruptible(this.#plan(configuration), UNDO_IMAGE_MS);
    this.#teardown.add('release the image', () => plan.root.release());
    const { record } = plan;
    const { id } = record;
    const lock = addContainer(record);
    this.#teardown.add('remove the container', () => {
      removeContainerDirectory(id);
      close(lock);
    });
    addHostFiles(plan.spec, containerDirectory(id));
    writeFile(`${containerDirectory(id)}/config.json`, JSON.stringify(plan.spec), 0o600);
    return record.detached
      ? this.#runDetached(plan, configuration, lock)
      : this.#runAttached(plan, configuration, lock);
  }

  async #plan({ config }: RuntimeConfiguration): Promise<Plan> {
    const { image: reference, options, name, stdin, detach, autoRemove, quiet } = this.#request;
    const mostMib = mostMemoryMib(config);
    if ((options.memoryMib ?? 0) > mostMib)
      throw new KataError(
        'invalid-argument',
        `--memory is expected to be at most what a VM can have, ${mostMib} MiB; found ${options.memoryMib} MiB`,
        { hint: 'default_maxmemory in configuration.toml bounds it, else the memory of the host' },
      );
    const store = openImageStore();
    const image = await obtainImage(store, reference, quiet);
    const imageConfig = parseImageConfig(store.configText(image), `the configuration of ${image.name}`);
    const id = newContainerId();
    const spec = imageToSpec(imageConfig, { ...options, hostname: options.hostname ?? shortId(id) }, 'x86-64');
    const size = options.terminal && !detach ? userWindowSize() : null;
    if (size !== null) spec.process!.consoleSize = { height: size.rows, width: size.columns };
    const record: ContainerRecord = {
      id,
      name: name ?? randomContainerName(),
      image: reference,
      imageDigest: image.digest,
      command: spec.process!.args ?? [],
      createdAtMs: Date.now(),
      autoRemove,
      terminal: options.terminal ?? false,
      stdin,
      detached: detach,
      stopSignal: stopSignal(imageConfig.config?.StopSignal),
    };
    return { record, spec, root: await store.rootImage(image, openRootCache(config, complain)) };
  }

  async #runDetached(plan: Plan, configuration: RuntimeConfiguration, lock: number): Promise<number> {
    const { id, terminal, stdin } = plan.record;
    const logs = logFiles(id);
    const stdio = {
      stdin: stdin ? `${containerDirectory(id)}/stdin` : '',
      stdout: `file://${logs.stdout}`,
      stderr: terminal ? '' : `file://${logs.stderr}`,
      terminal,
    };
    if (stdin) makeFifo(stdio.stdin);
    const shim = await this.#create(plan, configuration, stdio);
    // Kept open by the process that stays behind: the container's input does not end.
    if (stdin) open(stdio.stdin, O.WRONLY | O.NONBLOCK);
    await this.#interruptible(shim.task.start({ id }));
    shim.close();
    await watchDetached(plan.record, lock);
    print(`${id}\n`);
    return 0;
  }

  async #runAttached(plan: Plan, configuration: RuntimeConfiguration, lock: number): Promise<number> {
    const { record } = plan;
    const { id, autoRemove, terminal, stdin } = record;
    const io = new AttachedIo(`${containerDirectory(id)}/io`, {
      stdin,
      terminal,
      keep: autoRemove ? undefined : logFiles(id),
      onOutputLost: () => killProcess(process),
    });
    this.#teardown.add('close the streams', () => io.close());
    const shim = await this.#create(plan, configuration, io.stdio);
    const process = { shim, containerId: id, execId: '', io, signals: this.#signals, report: complain };
    const exit = await runAttached(process);
    io.close();
    const timeline = readTextIfExists(`${containerDirectory(id)}/timeline.json`);
    await concludeContainer(record, shim, exit);
    close(lock);
    if (this.#request.timeline && timeline !== null) tell(formatTimeline(JSON.parse(timeline), this.#sinceMs));
    return exit.status;
  }

  /** Boots the VM and makes the container in it. */
  async #create({ record, root }: Plan, { path }: RuntimeConfiguration, stdio: Stdio): Promise<ShimClient> {
    const { id } = record;
    let started: ShimClient | null = null;
    // Also what a start left that was killed before it told of a shim.
    this.#teardown.add('end the shim', () => endShim(id, started));
    const shim = await startShim(id, {
      configPath: path,
      debug: this.#global.debug,
      timeline: this.#request.timeline,
    });
    started = shim;
    const options = Options.encode({ configPath: path }).finish();
    await this.#interruptible(
      shim.task.create({
        id,
        bundle: containerDirectory(id),
        rootfs: [{ type: root.fsType, source: root.path, options: ['ro'] }],
        ...stdio,
        options: { typeUrl: 'runtimeoptions.v1.Options', value: options },
      }),
    ).catch((error: unknown) => {
      throw KataError.from(error).code === 'unavailable'
        ? KataError.wrap(error, `container ${shortId(id)} was ended while it was made`)
        : error;
    });
    // The shim holds it now.
    root.release();
    return shim;
  }

  /** The outcome of `work`, or the interruption by a signal once the work had `undoMs` to undo itself. */
  async #interruptible<T>(work: Promise<T>, undoMs = 0): Promise<T> {
    try {
      return await Promise.race([work, this.#signals.interrupted]);
    } catch (error) {
      const undone = work.then(
        () => {},
        () => {},
      );
      if (this.#signals.signal !== 0) await Promise.race([undone, sleep(undoMs)]);
      throw error;
    }
  }
}

function stopSignal(text: string | undefined): number {
  return text === undefined || text === '' ? SIGNAL.TERM : parseSignal(text);
}
