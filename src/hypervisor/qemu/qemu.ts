import { KataError } from '../../errors/kata-error.ts';
import type { ByteStream } from '../../os/byte-stream.ts';
import type { ExitStatus } from '../../os/process.ts';
import { dropZeroPages } from '../../os/sparse-file.ts';
import { after, withTimeout } from '../../os/timer.ts';
import type {
  Disk,
  GuestDisk,
  GuestInterface,
  Hypervisor,
  MachineOptions,
  MachineSize,
  SavedVmm,
  Snapshot,
  Tap,
} from '../hypervisor.ts';
import { chooseAccelerator } from './accelerator.ts';
import { AGENT_PORT } from './command-line.ts';
import { type QemuConfig, STRICT_SANDBOX } from './config.ts';
import { ConsoleRing } from './console-ring.ts';
import { Disks } from './disks.ts';
import { Growth } from './growth.ts';
import { guestFailure } from './guest-failure.ts';
import { type GuestSource, originOf, snapshotOf } from './guest-source.ts';
import { hasTaps } from './interface-taps.ts';
import { Interfaces } from './interfaces.ts';
import type { Accelerator } from './judge-kvm.ts';
import { lastWords } from './last-words.ts';
import { type Launched, type LaunchOptions, launch } from './launch.ts';
import { checkMachine } from './preflight.ts';
import { Qmp } from './qmp.ts';
import type { QmpEvent } from './qmp-messages.ts';
import { restoreDeviceState } from './restore-device-state.ts';
import { saveDeviceState } from './save-device-state.ts';
import { type SavedProcess, saveProcess } from './saved-process.ts';
import { readSavedVmm, saveVmm } from './saved-vmm.ts';
import { vcpuThreads } from './vcpu-threads.ts';
import { checkVersion, formatBuild } from './version.ts';
import { describeExit, versionOf } from './vmm-process.ts';

const GREETING_TIMEOUT_MS = 30_000;
const QUIT_TIMEOUT_MS = 1000;
const END_TIMEOUT_MS = 1000;
const NEVER_RAN: ExitStatus = { code: 0, signal: 0 };

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
  /** Is told of a file or device of the host before QEMU opens it; the result is called once it has closed it. */
  beforeOpening: (path: string) => () => void = () => () => {};
  /** The results of `beforeOpening`, by the disks' ids. */
  readonly #closed = new Map<string, () => void>();
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
  readonly #interfaces: Interfaces;
  #expectsInterfaces = false;
  #growth: Growth | undefined;
  #accelerator: Accelerator | undefined;
  #version = '';
  #resumed = false;
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
    this.#interfaces = new Interfaces(snapshotOf(source)?.interfaceFeatures ?? '');
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

  /** Whether its QEMU is one that was saved. */
  get isResumed(): boolean {
    return this.#resumed;
  }

  /** What runs the guest's code and why; undefined before `start`. */
  get accelerator(): Accelerator | undefined {
    return this.#accelerator;
  }

  /** What another process needs to end this VM (`killSaved`); null when it does not run. */
  savedProcess(): SavedProcess | null {
    return this.pid === 0 ? null : saveProcess(this.pid);
  }

  /** The threads that run its vCPUs; none when it does not run. */
  vcpuThreads(): number[] {
    return this.pid === 0 ? [] : vcpuThreads(this.pid);
  }

  async start(): Promise<void> {
    if (this.#state !== 'new' || this.#stopping !== undefined)
      throw new KataError('failed-precondition', 'a VM is started once, this one was started or stopped before');
    this.#state = 'starting';
    try {
      const path = checkMachine(this.#config, this.#machine);
      this.#accelerator = chooseAccelerator(this.#config.accelerator);
      this.#log(this.#accelerator.reason);
      const snapshot = snapshotOf(this.#source);
      if (snapshot === null || !(await this.#resumeProcess(path, this.#accelerator, snapshot))) {
        await this.#launch(path, this.#accelerator);
        if (snapshot !== null) await this.#restore(snapshot);
      }
      this.#state = 'running';
    } catch (error) {
      const stopped = this.#stopping !== undefined;
      await this.stop();
      throw stopped ? cancelled() : error;
    }
  }

  /** Lets a QEMU that was saved go on; false when there is none, or it does not come back: a new one is needed then. */
  async #resumeProcess(path: string, accelerator: Accelerator, snapshot: Snapshot): Promise<boolean> {
    if (this.#source.kind !== 'clone' || snapshot.process === null) return false;
    try {
      const { pagesPath } = snapshot.process;
      const saved = { image: readSavedVmm(snapshot.process), pagesPath, memoryPath: snapshot.memoryPath };
      const launched = this.#spawn(path, accelerator, this.#config.seccompSandbox ?? STRICT_SANDBOX, saved);
      this.#version = snapshot.vmmVersion;
      this.#qmp!.resume();
      await this.#qmp!.execute('cont', undefined);
      this.#resumed = true;
      this.#follow(launched);
      this.#settleGuestUp();
      return true;
    } catch (error) {
      if (this.#stopping !== undefined) throw error;
      this.#log(`the VM gets a new QEMU, the one that was saved does not come back: ${KataError.from(error).line}`);
      this.#launched?.vmm.kill();
      await this.#launched?.vmm.exited;
      this.#release();
      this.#launched = undefined;
      return false;
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

  #spawn(path: string, accelerator: Accelerator, sandbox: string, saved: LaunchOptions['saved']): Launched {
    const launched = launch({
      path,
      config: this.#config,
      machine: this.#machine,
      accelerator: accelerator.name,
      sandbox,
      console: this.#console,
      origin: originOf(this.#source),
      saved,
      taps: this.#interfaces.taps,
      fillsSlots: this.#fillsSlots,
      log: this.#log,
    });
    this.#launched = launched;
    this.#qmp = new Qmp(launched.monitor, after);
    this.#qmp.onEvent((event) => this.#onEvent(event));
    return launched;
  }

  /** Whether all network devices have taps behind them: of a guest that is saved, and of those who read what was. */
  get #fillsSlots(): boolean {
    return (this.#source.kind !== 'boot' || this.#expectsInterfaces) && hasTaps();
  }

  async #launchOnce(path: string, accelerator: Accelerator, sandbox: string): Promise<void> {
    const launched = this.#spawn(path, accelerator, sandbox, null);
    const qmp = this.#qmp!;
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
    this.#follow(launched);
  }

  /** From now on its end is the VM's. */
  #follow({ channel, vmm }: Launched): void {
    this.#log(channel.reason);
    this.#disks = new Disks(this.#qmp!, this.#config, this.#log);
    this.#interfaces.follow({ pid: vmm.pid, qmp: this.#qmp! }, this.#resumed || this.#fillsSlots);
    this.#growth = new Growth(this.#qmp!, this.#machine, this.#accelerator!.name);
    void vmm.exited.then((status) => this.#settleExited(status));
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
      await restoreDeviceState(qmp, incoming!, snapshot);
      this.#settleGuestUp();
    } catch (error) {
      if (this.#stopping !== undefined) throw error;
      vmm.kill();
      await vmm.exited;
      throw this.#failure('failed-precondition', `the guest is expected to be restored: ${KataError.from(error).line}`);
    }
  }

  /**
   * Saves a guest that was started from a `template` source, and leaves it stopped for good. Its agent must have nothing to
   * answer. `socketPath` is for QEMU to write to; it must be short. `process` is where QEMU itself is saved, null: not; that
   * it cannot be is only logged. `isSparse` has memory take no more than it must: zeros are made holes, which takes 100 ms.
   */
  async save(
    paths: {
      statePath: string;
      socketPath: string;
      process: Omit<SavedVmm, 'checksum'> | null;
      isSparse: boolean;
      interfaceFeatures: string;
    },
    agentStreamId: number,
  ): Promise<Snapshot> {
    const { qmp, vmm } = this.#running();
    if (this.#source.kind !== 'template')
      throw new KataError('failed-precondition', 'a guest that is saved must have its memory in a file');
    const { memoryPath } = this.#source;
    const { statePath, socketPath } = paths;
    await qmp.execute('stop', undefined);
    if (paths.isSparse) dropZeroPages(memoryPath);
    const process = paths.process === null ? null : await this.#saveProcess(vmm.pid, memoryPath, paths.process);
    const stateChecksum = await saveDeviceState(qmp, statePath, socketPath);
    const { interfaceFeatures } = paths;
    return {
      memoryPath,
      statePath,
      stateChecksum,
      vmmVersion: this.#version,
      process,
      interfaceFeatures,
      agentStreamId,
    };
  }

  async #saveProcess(pid: number, memoryPath: string, paths: Omit<SavedVmm, 'checksum'>): Promise<SavedVmm | null> {
    try {
      return await saveVmm(pid, memoryPath, paths);
    } catch (error) {
      this.#log(`QEMU itself is not saved, each VM gets a new one: ${KataError.from(error).line}`);
      return null;
    }
  }

  /** The id of the first stream for whoever speaks to the agent: the connection may have been begun before. */
  get agentStreamId(): number {
    return snapshotOf(this.#source)?.agentStreamId ?? 1;
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
    const { disks, vmm } = this.#running();
    const closed = this.beforeOpening(disk.path);
    try {
      const attached = await disks.attach(disk);
      this.#closed.set(disk.id, closed);
      return attached;
    } catch (error) {
      closed();
      throw await this.#reasonOf(error, vmm.exited);
    }
  }

  /** A monitor that is lost is a QEMU that ends: how it ended, which is known a moment later. */
  async #reasonOf(error: unknown, exited: Promise<ExitStatus>): Promise<unknown> {
    if (KataError.from(error).code !== 'unavailable') return error;
    const status = await withTimeout(exited, END_TIMEOUT_MS, 'QEMU still runs').catch(() => null);
    if (this.#stopping !== undefined) return cancelled();
    if (status === null) return error;
    return this.#failure('unavailable', `the VM is expected to run, ${describeExit(status)}`);
  }

  async detachDisk(id: string): Promise<void> {
    // A VM that is gone holds no file any more.
    if (this.#stopping !== undefined || this.#launched?.vmm.status !== undefined) return;
    await this.#disks?.detach(id);
    this.#closed.get(id)?.();
    this.#closed.delete(id);
  }

  async attachInterface(tap: Tap): Promise<GuestInterface> {
    if (this.#state !== 'new') this.#running();
    return this.#interfaces.attach(tap);
  }

  /** Before `start`: interfaces may come while the VM runs, also in one that boots. */
  expectInterfaces(): void {
    this.#expectsInterfaces = true;
  }

  /** Frees the slot of an interface that the guest has let go of. */
  detachInterface(place: GuestInterface): void {
    this.#interfaces.detach(place);
  }

  /** Lets go of taps that lead nowhere: another one can still be put into each slot. */
  async emptyInterfaceSlots(): Promise<void> {
    this.#running();
    await this.#interfaces.empty();
  }

  async grow(size: MachineSize): Promise<MachineSize> {
    const { vmm } = this.#running();
    try {
      return await this.#growth!.to(size);
    } catch (error) {
      throw await this.#reasonOf(error, vmm.exited);
    }
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

  lastWords(): string {
    const vmm = this.#launched?.vmm;
    this.#launched?.console.drain();
    return lastWords({
      happened: vmm?.status === undefined ? 'QEMU has not ended' : describeExit(vmm.status),
      reason: this.#shutdownReason,
      stderr: vmm?.stderr ?? [],
      console: this.#console.lines(),
    });
  }

  consoleTail(lines = 20): string {
    return this.#console.lines(lines).join('\n');
  }

  #running(): Launched & { qmp: Qmp; disks: Disks } {
    const [launched, qmp, disks] = [this.#launched, this.#qmp, this.#disks];
    if (this.#state === 'running' && this.#stopping === undefined && launched && qmp && disks)
      return { ...launched, qmp, disks };
    const found = this.#stopping === undefined ? 'it does not' : 'the VM was stopped';
    throw new KataError('failed-precondition', `the VM is expected to run, ${found}`);
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

const cancelled = (): KataError => new KataError('cancelled', 'the VM was stopped');
