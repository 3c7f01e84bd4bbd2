import type { Config } from '../config/config.ts';
import { KataError } from '../errors/kata-error.ts';
import { identifyContainer } from '../oci/annotations.ts';
import type { OciSpec } from '../oci/spec.ts';
import { availableCpus } from '../os/cpus.ts';
import type { SandboxLog } from '../sandbox/sandbox-log.ts';
import { type RecordedContainer, type SandboxRecord, saveRecord } from '../sandbox/sandbox-record.ts';

/** Where a sandbox is served, and by which configuration. */
export interface Whereabouts {
  namespace: string;
  socket: string;
  configPath: string;
}

/**
 * Keeps the record of a sandbox and its containers, for `kata-runtime list`, `state` and `exec`. A record that cannot be
 * written is no failure of a container.
 */
export class SandboxLedger {
  readonly #record: SandboxRecord;
  readonly #log: SandboxLog;

  /** `spec` is that of the sandbox's first container. */
  constructor(sandboxId: string, spec: OciSpec, config: Config, where: Whereabouts, log: SandboxLog) {
    const { kind, podName, podNamespace } = identifyContainer(sandboxId, spec.annotations);
    this.#log = log;
    this.#record = {
      version: 1,
      sandboxId,
      kind: kind === 'single' ? 'container' : 'pod',
      ...where,
      ...(podName !== undefined && { podName }),
      ...(podNamespace !== undefined && { podNamespace }),
      createdAtMs: Date.now(),
      vcpus: config.hypervisor.defaultVcpus || availableCpus(),
      memoryMib: config.hypervisor.defaultMemoryMib,
      debugConsole: config.agent.debugConsoleEnabled,
      containers: [],
    };
  }

  /** A container is there. */
  add(id: string, bundle: string, spec: OciSpec): void {
    const { containerName: name, image } = identifyContainer(id, spec.annotations);
    const container: RecordedContainer = {
      id,
      bundle,
      ...(name !== undefined && { name }),
      ...(image !== undefined && { image }),
    };
    this.#record.containers.push(container);
    this.#save();
  }

  /** A container goes. With the last one the sandbox goes, and its folder. */
  remove(id: string): void {
    const { containers } = this.#record;
    this.#record.containers = containers.filter((each) => each.id !== id);
    if (this.#record.containers.length > 0) this.#save();
  }

  #save(): void {
    try {
      saveRecord(this.#record);
    } catch (error) {
      this.#log.warning(`kata-runtime list will not know of all: ${KataError.from(error).line}`);
    }
  }
}
