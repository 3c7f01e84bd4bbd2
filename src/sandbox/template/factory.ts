import type { Config } from '../../config/config.ts';
import { KataError } from '../../errors/kata-error.ts';
import type { Snapshot } from '../../hypervisor/hypervisor.ts';
import { type Fingerprint, fingerprintOf } from '../../hypervisor/qemu/fingerprint.ts';
import { readlink, removeFile, writeFileAtomic } from '../../os/file.ts';
import { lstatIfExists } from '../../os/stat.ts';
import { sleep } from '../../os/timer.ts';
import { lockOrMake } from '../../rootfs/file-lock.ts';
import { machineOptions } from '../machine.ts';
import { templateName } from './template.ts';
import { prepareTemplateFolder, removeTemplateFolder } from './template-folder.ts';
import { type StoredTemplate, type StoreLimits, TemplateStore } from './template-store.ts';

const LOCK_POLL_MS = 20;
/** A template is made in seconds; whoever holds the lock so long hangs. */
const LOCK_TIMEOUT_MS = 120_000;
/** After a failure, starts boot without trying again for so long. */
const RETRY_AFTER_MS = 10 * 60 * 1000;

/** The guests that a configuration starts VMs from. */
export class Factory {
  readonly #config: Config;
  readonly #store: TemplateStore;
  readonly #fingerprint: Fingerprint;

  /** Throws what a start would throw for a kernel or QEMU that is not there. */
  constructor(config: Config) {
    this.#config = config;
    this.#store = new TemplateStore(config.factory.templatePath);
    const maker = readlink('/proc/self/exe');
    this.#fingerprint = fingerprintOf(config.hypervisor, machineOptions(config, ''), maker);
  }

  /** The template's name: what two configurations of the same guest share. */
  get name(): string {
    return templateName(this.#fingerprint);
  }

  /** The template if it is there; one that cannot be used is removed, and `report` told why. */
  open(report: (message: string) => void): Snapshot | null {
    return this.#store.open(this.#fingerprint, this.#config.hypervisor.defaultMemoryMib, report);
  }

  drop(snapshot: Snapshot): void {
    this.#store.drop(snapshot);
  }

  /** Whether making it failed a short while ago, so that it is not worth a start's time to try again. */
  get failedLately(): boolean {
    const marker = lstatIfExists(this.#marker);
    return marker !== null && Date.now() - Number(marker.modifiedNs / 1_000_000n) < RETRY_AFTER_MS;
  }

  /**
   * Makes the template unless it is there; waits for another maker. `make` does the work: it is given, so that a start,
   * which never makes one itself, does not carry it.
   */
  async make(
    make: typeof import('./make-template.ts').makeTemplate,
    log: (message: string) => void,
  ): Promise<'made' | 'there'> {
    prepareTemplateFolder(this.#config.factory.templatePath);
    const { defaultMemoryMib } = this.#config.hypervisor;
    try {
      const made = await this.#store.make(
        this.#fingerprint,
        defaultMemoryMib,
        limitsOf(this.#config),
        (folder) => make(this.#config, folder, log),
        waitForLock,
      );
      removeFile(this.#marker);
      return made;
    } catch (error) {
      this.#noteFailure(error);
      throw error;
    }
  }

  /** Where even this cannot be written, the next start just tries again. */
  #noteFailure(error: unknown): void {
    try {
      writeFileAtomic(this.#marker, `${KataError.from(error).line}\n`, 0o600);
    } catch {
      // The failure itself is what is told of.
    }
  }

  get #marker(): string {
    return `${this.#config.factory.templatePath}/${this.name}.failed`;
  }
}

/** All templates in a configuration's folder. */
export function listTemplates(config: Config): StoredTemplate[] {
  return new TemplateStore(config.factory.templatePath).list();
}

/** Removes all templates in a configuration's folder, and the tmpfs that they are on. VMs that were started from them go on. */
export function removeTemplates(config: Config): void {
  new TemplateStore(config.factory.templatePath).clear();
  removeTemplateFolder(config.factory.templatePath);
}

const limitsOf = ({ factory }: Config): StoreLimits => ({
  maxNumber: factory.templateMaxNumber,
  maxBytes: factory.templateMaxMib * 2 ** 20,
});

async function waitForLock(path: string): Promise<number> {
  const deadlineMs = Date.now() + LOCK_TIMEOUT_MS;
  for (;;) {
    const lock = lockOrMake(path, 'exclusive');
    if (lock !== null) return lock;
    if (Date.now() > deadlineMs)
      throw new KataError('deadline-exceeded', `${path} is expected to be free within ${LOCK_TIMEOUT_MS / 1000} s`, {
        hint: 'a maker of a template hangs: end it, or run kata-runtime factory destroy',
      });
    await sleep(LOCK_POLL_MS);
  }
}
