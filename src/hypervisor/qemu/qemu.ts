import { KataError } from '../../errors/kata-error.ts';
import type { ByteStream } from '../../os/byte-stream.ts';
import type { ExitStatus } from '../../os/process.ts';
import { after, withTimeout } from '../../os/timer.ts';
import type { Disk, GuestDisk, Hypervisor, MachineOptions, Snapshot } from '../hypervisor.ts';
import { chooseAccelerator } from './accelerator.ts';
import { AGENT_PORT, type Origin } from './command-line.ts';
import { type QemuConfig, STRICT_SANDBOX } from './config.ts';
import { ConsoleRing } from './console-ring.ts';
import { readDeviceState } from './device-state.ts';
import { Disks } from './disks.ts';
import { guestFailure } from './guest-failure.ts';
import type { Accelerator } from './judge-kvm.ts';
import { INCOMING_FD, type Launched, launch } from './launch.ts';
import { checkMachine } from './preflight.ts';
import { Qmp } from './qmp.ts';
import type { MigrationCapability } from './qmp-commands.ts';
import type { QmpEvent } from './qmp-messages.ts';
import { saveDeviceState } from './save-device-state.ts';
import { type SavedProcess, saveProcess } from './saved-process.ts';
import { checkVersion, formatBuild } from './version.ts';
import { describeExit, versionOf } from './vmm-process.ts';

const GREETING_TIMEOUT_MS = 30_000;
const QUIT_TIMEOUT_MS = 1000;
const RESTORE_TIMEOUT_MS = 30_000;
const NEVER_RAN: ExitStatus = { code: 0, signal: 0 };

/** Saving and restoring: memory stays in its file, the stream is the devices'. */
const CAPABILITIES: MigrationCapability[] = [
  { capability: 'x-ignore-shared', state: true },
  { capability: 'events', state: true },
];

/**
 * Where a guest comes from: booted; booted with its memory in a file, to be saved by `save`; or a clone of a guest that
 * was saved so.
 */
export type GuestSource =
  | { kind: 'boot' }
  | { kind: 'template'; memoryPath: string }
  | { kind: 'clone'; snapshot: Snapshot };

/** Who hears of a VM. */
export interface QemuListeners {
  /** One line for the log: which choice was made and why. */
  log?: (message: string) => void;
  /** Each line of the guest's console, its control characters escaped. */
  consoleLine?: (line: string) => void;
}

/** A virtual machine of QEMU 7.2 or newer, machine type q35, spoken to by QMP. */
export class Qemu implements Hypervisor {
  readonly exited: Promise<ExitStatus>;
  /** Settles when the guest has opened the agent's port; with vsock, when it has accepted our connection. Never rejects. */
  readonly guestUp: Promise<void>;
  readonly #config: QemuConfig;
  readonly #machine: MachineOptions;
  readonly #source: GuestSource;
  readonly #log: (message: string) => void;
  readonly #console: ConsoleRing;
  #settleExited: (status: ExitStatus) => void = () => {};
  #settleGuestUp: () => void = () => {};
  #state: 'new' | 'starting' | 'running' = 'new';
  #stopping: Promise<void> | undefined;
  #launched: Launched | undefined;
  #qmp: Qmp | undefined;
  #disks: Disks | undefined;
  #accelerator: Accelerator | undefined;
  #version = '';
  /** Why the guest ended, in QEMU's word: `guest-shutdown`, `guest-reset`, `guest-panic`. */
  #shutdownReason = '';

  constructor(
    config: QemuConfig,
    machine: MachineOptions,
    listeners: QemuListeners = {},
    source: GuestSource = { kind: 'boot' },
  ) {
    this.#config = config;
    this.#machine = machine;
    this.#source = source;
    this.#log = listeners.log ?? (() => {});
    this.#console = new ConsoleRing(200, listeners.consoleLine);
    this.exited = new Promise((resolve) => {
      this.#settleExited = resolve;
    });
    this.guestUp = new Promise((resolve) => {
      this.#settleGuestUp = resolve;
    });
  }

  get pid(): number {
    return this.#launched?.vmm.pid ?? 0;
  }

  /** Whether it was started, and has not ended by now. */
  get isRunning(): boolean {
    return this.#state === 'running' && this.#stopping === undefined && this.#launched?.vmm.status === undefined;
  }

  /** What runs the guest's code and why; undefined before `start`. */
  get accelerator(): Accelerator | undefined {
    return this.#accelerator;
  }

  /** What another process needs to end this VM (`killSaved`); null when it does not run. */
  savedProcess(): SavedProcess | null {
    return this.pid === 0 ? null : saveProcess(this.pid);
  }

  async start(): Promise<void> {
    if (this.#state !== 'new' || this.#stopping !== undefined)
      throw new KataError('failed-precondition', 'a VM is started once, this one was started or stopped before');
    this.#state = 'starting';
    try {
      const path = checkMachine(this.#config, this.#machine);
      this.#accelerator = chooseAccelerator(this.#config.accelerator);
      this.#log(this.#accelerator.reason);
      await this.#launch(path, this.#accelerator);
      if (this.#source.kind === 'clone') await this.#restore(this.#source.snapshot);
      this.#state = 'running';
    } catch (error) {
      const stopped = this.#stopping !== undefined;
      await this.stop();
      throw stopped ? cancelled() : error;
    }
  }

  async #launch(path: string, accelerator: Accelerator): Promise<void> {
    const { seccompSandbox } = this.#config;
    try {
      await this.#launchOnce(path, accelerator, seccompSandbox ?? STRICT_SANDBOX);
    } catch (error) {
      // Said by a QEMU without seccomp, before it does anything else.
      const refused = this.#launched?.vmm.stderr.some((line) => /-?-sandbox\b.*(not enabled|no such)/i.test(line));
      if (seccompSandbox !== undefined || !refused || this.#stopping !== undefined) throw error;
      this.#log('QEMU runs without a seccomp sandbox, because it was built without one');
      this.#release();
      await this.#launchOnce(path, accelerator, '');
    }
  }

  async #launchOnce(path: string, accelerator: Accelerator, sandbox: string): Promise<void> {
    const launched = launch({
      path,
      config: this.#config,
      machine: this.#machine,
      accelerator: accelerator.name,
      sandbox,
      console: this.#console,
      origin: originOf(this.#source),
    });
    this.#launched = launched;
    const qmp = new Qmp(launched.monitor, after);
    this.#qmp = qmp;
    qmp.onEvent((event) => this.#onEvent(event));
    try {
      const version = await qmp.connect(GREETING_TIMEOUT_MS);
      checkVersion(version, path);
      this.#version = formatBuild(version);
    } catch (error) {
      if (KataError.from(error).code === 'failed-precondition') throw error;
      launched.vmm.kill();
      const status = await launched.vmm.exited;
      // An old QEMU may not know an option of ours and never come to tell its version.
      const version = await versionOf(path).catch(() => null);
      if (version !== null) checkVersion(version, path);
      throw this.#failure('failed-precondition', `QEMU is expected to start, it did not: ${describeExit(status)}`);
    }
    this.#log(launched.channel.reason);
    this.#disks = new Disks(qmp, this.#config, this.#log);
    void launched.vmm.exited.then((status) => this.#settleExited(status));
  }

  async #restore(snapshot: Snapshot): Promise<void> {
    const { vmm, incoming } = this.#launched!;
    const qmp = this.#qmp!;
    if (this.#version !== snapshot.vmmVersion)
      throw new KataError(
        'failed-precondition',
        `a guest saved by QEMU ${snapshot.vmmVersion} is expected to be restored by it, found QEMU ${this.#version}`,
      );
    try {
      // QEMU is still busy making its devices: what it will read is checked meanwhile.
      const state = readDeviceState(snapshot);
      const completed = qmp.waitForEvent(
        'restore the guest',
        ({ event, data }) => event === 'MIGRATION' && (data.status === 'completed' || data.status === 'failed'),
        RESTORE_TIMEOUT_MS,
      );
      completed.catch(() => {});
      await qmp.execute('migrate-set-capabilities', { capabilities: CAPABILITIES });
      await qmp.execute('migrate-incoming', { uri: `fd:${INCOMING_FD}` });
      await incoming!.write(state);
      incoming!.closeWrite();
      const { data } = await completed;
      if (data.status === 'failed') throw new KataError('failed-precondition', 'QEMU does not accept what was saved');
      await qmp.execute('cont', undefined);
      this.#settleGuestUp();
    } catch (error) {
      if (this.#stopping !== undefined) throw error;
      vmm.kill();
      await vmm.exited;
      throw this.#failure('failed-precondition', `the guest is expected to be restored: ${KataError.from(error).line}`);
    } finally {
      incoming!.close();
    }
  }

  /**
   * Saves a guest that was started from a `template` source, and leaves it stopped for good. Its agent's connection must
   * have been closed before. `socketPath` is for QEMU to write to; it must be short.
   */
  async save(statePath: string, socketPath: string): Promise<Snapshot> {
    const { qmp } = this.#running();
    if (this.#source.kind !== 'template')
      throw new KataError('failed-precondition', 'a guest that is saved must have its memory in a file');
    await qmp.execute('stop', undefined);
    await qmp.execute('migrate-set-capabilities', { capabilities: CAPABILITIES });
    const stateChecksum = await saveDeviceState(qmp, statePath, socketPath);
    return { memoryPath: this.#source.memoryPath, statePath, stateChecksum, vmmVersion: this.#version };
  }

  #onEvent({ event, data }: QmpEvent): void {
    if (event === 'VSERPORT_CHANGE' && data.id === AGENT_PORT.id && data.open === true) this.#settleGuestUp();
    if (event === 'SHUTDOWN' && typeof data.reason === 'string') this.#shutdownReason = data.reason;
  }

  async connectAgent(timeoutMs: number): Promise<ByteStream> {
    const { vmm, channel } = this.#running();
    const ended = vmm.exited.then((status): never => {
      if (this.#stopping !== undefined) throw cancelled();
      const why = this.#shutdownReason === '' ? '' : ` (${this.#shutdownReason})`;
      throw this.#failure('unavailable', `the guest is expected to come up, ${describeExit(status)}${why} first`);
    });
    try {
      const connected = Promise.race([channel.connect(this.guestUp), ended]);
      const stream = await withTimeout(connected, timeoutMs, 'the agent did not answer');
      this.#settleGuestUp();
      return stream;
    } catch (error) {
      if (KataError.from(error).code !== 'deadline-exceeded') throw error;
      throw this.#failure(
        'deadline-exceeded',
        `the guest is expected to come up within ${timeoutMs} ms, its agent did not open its channel`,
      );
    }
  }

  #failure(code: 'unavailable' | 'deadline-exceeded' | 'failed-precondition', happened: string): KataError {
    this.#launched?.console.drain();
    return guestFailure(code, {
      happened,
      stderr: this.#launched?.vmm.stderr ?? [],
      console: this.#console.lines(),
      memoryMib: this.#machine.memoryMib,
    });
  }

  async attachDisk(disk: Disk): Promise<GuestDisk> {
    return this.#running().disks.attach(disk);
  }

  async detachDisk(id: string): Promise<void> {
    // A VM that is gone holds no file any more.
    if (this.#stopping !== undefined || this.#launched?.vmm.status !== undefined) return;
    await this.#disks?.detach(id);
  }

  async pause(): Promise<void> {
    await this.#running().qmp.execute('stop', undefined);
  }

  async resume(): Promise<void> {
    await this.#running().qmp.execute('cont', undefined);
  }

  /** Whether the guest may have written to a disk of the host. */
  get hasWritableDisks(): boolean {
    return this.#disks?.hasWritable ?? false;
  }

  consoleTail(lines = 20): string {
    return this.#console.lines(lines).join('\n');
  }

  #running(): Launched & { qmp: Qmp; disks: Disks } {
    const [launched, qmp, disks] = [this.#launched, this.#qmp, this.#disks];
    if (this.#state === 'running' && this.#stopping === undefined && launched && qmp && disks)
      return { ...launched, qmp, disks };
    throw new KataError('failed-precondition', 'the VM is expected to run, it does not');
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#tearDown();
    return this.#stopping;
  }

  async #tearDown(): Promise<void> {
    const vmm = this.#launched?.vmm;
    if (vmm !== undefined && vmm.status === undefined) {
      // Nothing of a guest outlives it but what it wrote to a disk.
      if (this.#disks?.hasWritable) await this.#quit(vmm.exited);
      vmm.kill();
    }
    const status = (await vmm?.exited) ?? NEVER_RAN;
    this.#release();
    this.#settleExited(status);
  }

  /** Asks QEMU to write what it holds of its disks and to end. That it does not is no failure: it is killed then. */
  async #quit(exited: Promise<ExitStatus>): Promise<void> {
    const quit = this.#qmp?.execute('quit', undefined, QUIT_TIMEOUT_MS).catch(() => null);
    await withTimeout(Promise.all([quit, exited]), QUIT_TIMEOUT_MS, 'QEMU does not quit').catch(() => null);
  }

  #release(): void {
    this.#qmp?.close();
    this.#launched?.console.close();
    this.#launched?.channel.close();
    this.#launched?.incoming?.close();
  }
}

function originOf(source: GuestSource): Origin {
  return source.kind === 'clone' ? { kind: 'clone', memoryPath: source.snapshot.memoryPath } : source;
}

const cancelled = (): KataError => new KataError('cancelled', 'the VM was stopped');
