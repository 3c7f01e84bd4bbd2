import type { Config } from '../../config/config.ts';
import type { GuestInterface, Snapshot } from '../../hypervisor/hypervisor.ts';
import type { GuestSource } from '../../hypervisor/qemu/guest-source.ts';
import { Qemu } from '../../hypervisor/qemu/qemu.ts';
import type { RootImage } from '../../rootfs/root-image.ts';
import { type AgentClient, agentClient, ifServed } from '../agent-client.ts';
import { machineOptions } from '../machine.ts';
import type { runWarmUp, warmUp } from './warm-up.ts';
import { startWithInterface } from './warm-up-interface.ts';

/** A start that waits for its template boots when none comes: both together take little more than the configured time. */
const PATIENCE_PART = 3;
/** What a guest frees while it boots, its initrd and the kernel's own beginning, is less. */
const CLEARED_BYTES = 32n * 1024n * 1024n;
const DISK = 'warm-up';
/** As long as most: a saved QEMU that is restored has no more room for its arguments, which name its sandbox. */
const NAME = 'template'.padEnd(64, '-');

/** The VM in which a template is made: one after another, each stopped before the next is started. */
export class TemplateVm {
  readonly #config: Config;
  readonly #log: (message: string) => void;
  #qemu: Qemu | undefined;
  #client: AgentClient | undefined;
  #interface: GuestInterface | null = null;
  #features = '';

  constructor(config: Config, log: (message: string) => void) {
    // A QEMU that has used io_uring cannot be saved.
    this.#config = { ...config, hypervisor: { ...config.hypervisor, blockDeviceAio: 'threads' } };
    this.#log = log;
  }

  get qemu(): Qemu {
    return this.#qemu!;
  }

  /** Starts a VM, until its agent answers. */
  async start(source: GuestSource): Promise<void> {
    const { hypervisor, agent } = this.#config;
    const qemu = new Qemu(hypervisor, machineOptions(this.#config, NAME), { log: this.#log }, source);
    this.#qemu = qemu;
    const patienceMs = agent.dialTimeoutMs / PATIENCE_PART;
    this.#interface = await startWithInterface(qemu);
    const client = agentClient(await qemu.connectAgent(patienceMs), { firstStreamId: qemu.agentStreamId });
    this.#client = client;
    await client.health.check({ service: '' }, { timeoutMs: patienceMs });
  }

  /** Warms the guest up as `warmUp`, or does what a start does. */
  async run(what: typeof warmUp | typeof runWarmUp, root: RootImage): Promise<void> {
    const disk = await this.qemu.attachDisk({ id: DISK, path: root.path, readOnly: true });
    this.#features = await what(this.#client!, disk, root, this.#interface);
    await this.qemu.detachDisk(DISK);
  }

  /** What the guest has freed is in the template no more: it would be mapped for nothing. */
  async clearFreeMemory(): Promise<void> {
    await ifServed(this.#client!.extension.clearFreeMemory({ bytes: CLEARED_BYTES }));
  }

  save(paths: Omit<Parameters<Qemu['save']>[0], 'interfaceFeatures'>): Promise<Snapshot> {
    return this.qemu.save({ ...paths, interfaceFeatures: this.#features }, this.#client!.nextStreamId);
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    this.#client?.close();
    await this.#qemu?.stop();
  }
}
