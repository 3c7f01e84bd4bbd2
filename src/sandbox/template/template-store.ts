import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import type { Snapshot } from '../../hypervisor/hypervisor.ts';
import type { Fingerprint } from '../../hypervisor/qemu/fingerprint.ts';
import { listDirectoryIfExists, makeDirectory, removeTree } from '../../os/directory.ts';
import { check } from '../../os/errno.ts';
import { AT_FDCWD, close } from '../../os/fd.ts';
import { readTextIfExists, rename, writeFile } from '../../os/file.ts';
import { identityOf } from '../../os/file-identity.ts';
import { lstatIfExists, stat } from '../../os/stat.ts';
import { lockOrMake } from '../../rootfs/file-lock.ts';
import { NR } from '../../syscall/numbers.ts';
import {
  descriptionPathIn,
  memoryPathIn,
  pagesPathIn,
  snapshotOf,
  statePathIn,
  type Template,
  templateName,
} from './template.ts';

const BLOCK_BYTES = 512;
const ROOT_ONLY = 0o077;

/** A template as `factory status` shows it. */
export interface StoredTemplate {
  name: string;
  bytes: number;
  madeAtMs: number;
  usedAtMs: number;
  /** Why no start will use it; null when one may. */
  stale: string | null;
}

export interface StoreLimits {
  maxNumber: number;
  maxBytes: number;
}

/**
 * The templates in a folder. One is there whole or not at all: it is made beside and renamed. A VM keeps the files that
 * it maps when their names go, so a template may be removed at any time.
 */
export class TemplateStore {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  #folder(name: string): string {
    return `${this.#directory}/${name}`;
  }

  /**
   * The template for a guest, verified, and noted as used now; null when there is none. One that cannot be used is
   * removed, and `report` is told why.
   */
  open(fingerprint: Fingerprint, memoryMib: number, report: (message: string) => void): Snapshot | null {
    const folder = this.#folder(templateName(fingerprint));
    if (lstatIfExists(folder) === null) return null;
    try {
      const template = readTemplate(folder);
      if (template.fingerprint !== fingerprint.text) throw unusable('it was made for another guest');
      if (template.memoryBytes !== memoryMib * 2 ** 20) throw unusable('its memory has another size');
      checkFiles(folder, template);
      check(syscall(NR.utimensat, AT_FDCWD, descriptionPathIn(folder), null, 0), 'note the use of a template');
      return snapshotOf(folder, template);
    } catch (error) {
      report(`the template ${folder} is not used: ${KataError.from(error).message}`);
      this.#remove(folder);
      return null;
    }
  }

  /** Takes away the template that a snapshot is of: it turned out to be none. */
  drop({ memoryPath }: Snapshot): void {
    this.#remove(memoryPath.slice(0, memoryPath.lastIndexOf('/')));
  }

  /**
   * Makes the template for a guest, unless it is there by the time that nobody else makes it. `make` gets an empty folder
   * and fills it; when it throws, nothing is left.
   */
  async make(
    fingerprint: Fingerprint,
    memoryMib: number,
    limits: StoreLimits,
    make: (folder: string) => Promise<Omit<Template, 'version' | 'fingerprint' | 'files' | 'madeAtMs'>>,
    wait: (lock: string) => Promise<number>,
  ): Promise<'made' | 'there'> {
    const name = templateName(fingerprint);
    const folder = this.#folder(name);
    const lock = await wait(`${folder}.lock`);
    const temporary = `${folder}.tmp`;
    try {
      if (this.open(fingerprint, memoryMib, () => {}) !== null) return 'there';
      // Left by a maker that was killed: whoever makes one holds the lock.
      removeTree(temporary);
      makeDirectory(temporary, 0o700);
      const made = await make(temporary);
      const { text, files } = fingerprint;
      const template: Template = { version: 3, fingerprint: text, files, ...made, madeAtMs: Date.now() };
      writeFile(descriptionPathIn(temporary), JSON.stringify(template), 0o600);
      rename(temporary, folder);
      this.sweep(limits, name);
      return 'made';
    } catch (error) {
      removeTree(temporary);
      throw error;
    } finally {
      close(lock);
    }
  }

  list(): StoredTemplate[] {
    return this.#names().map((name) => describe(name, this.#folder(name)));
  }

  /** Removes stale templates, then the longest unused until the rest keeps the limits. `keep` is not removed. */
  sweep({ maxNumber, maxBytes }: StoreLimits, keep?: string): void {
    const kept: StoredTemplate[] = [];
    for (const template of this.list()) {
      if (template.stale !== null && template.name !== keep) this.#remove(this.#folder(template.name));
      else kept.push(template);
    }
    // What is kept in any case counts first: two that were used within one tick of the kernel's clock have the same time.
    kept.sort((a, b) => Number(b.name === keep) - Number(a.name === keep) || b.usedAtMs - a.usedAtMs);
    let bytes = 0;
    for (const [index, template] of kept.entries()) {
      bytes += template.bytes;
      if ((index >= maxNumber || bytes > maxBytes) && template.name !== keep) this.#remove(this.#folder(template.name));
    }
    this.#removeAbandoned();
  }

  /** Removes every template, and what is known of those that could not be made. */
  clear(): void {
    for (const name of this.#names()) this.#remove(this.#folder(name));
    for (const name of listDirectoryIfExists(this.#directory))
      if (/^[0-9a-f]{16}\.failed$/.test(name)) removeTree(this.#folder(name));
    this.#removeAbandoned();
  }

  #names(): string[] {
    return listDirectoryIfExists(this.#directory).filter((name) => /^[0-9a-f]{16}$/.test(name));
  }

  #remove(folder: string): void {
    // First under a name that nobody looks for: a template that is being removed is none.
    const gone = `${folder}.gone`;
    removeTree(gone);
    if (lstatIfExists(folder) === null) return;
    rename(folder, gone);
    removeTree(gone);
  }

  /** What makers that were killed left: nobody holds their locks. */
  #removeAbandoned(): void {
    for (const name of listDirectoryIfExists(this.#directory)) {
      if (!/^[0-9a-f]{16}\.(tmp|gone|lock)$/.test(name)) continue;
      const base = this.#folder(name.slice(0, 16));
      const lock = lockOrMake(`${base}.lock`, 'exclusive');
      if (lock === null) continue;
      try {
        removeTree(this.#folder(name));
        removeTree(`${base}.lock`);
      } finally {
        close(lock);
      }
    }
  }
}

const unusable = (why: string): KataError => new KataError('failed-precondition', why);

function readTemplate(folder: string): Template {
  const { uid, mode } = stat(folder);
  if (uid !== 0 || (mode & ROOT_ONLY) !== 0) throw unusable('others than root may have written to it');
  const text = readTextIfExists(descriptionPathIn(folder));
  if (text === null) throw unusable('it has no description');
  let template: Template;
  try {
    template = JSON.parse(text);
  } catch {
    throw unusable('its description is damaged');
  }
  if (template.version !== 3) throw unusable(`its format is ${template.version}, not 3`);
  return template;
}

/** Sizes and owners; the content of `state` has a checksum, which is looked at when it is read. */
function checkFiles(folder: string, { memoryBytes, stateBytes }: Template): void {
  for (const [path, bytes] of [
    [memoryPathIn(folder), memoryBytes],
    [statePathIn(folder), stateBytes],
  ] as const) {
    const { sizeBytes, uid, mode } = stat(path);
    if (sizeBytes !== bytes) throw unusable(`${path} is expected to have ${bytes} bytes, found ${sizeBytes}`);
    if (uid !== 0 || (mode & ROOT_ONLY) !== 0) throw unusable(`others than root may have written to ${path}`);
  }
}

function describe(name: string, folder: string): StoredTemplate {
  const bytes = [memoryPathIn, statePathIn, pagesPathIn].reduce(
    (sum, path) => sum + (lstatIfExists(path(folder))?.blocks ?? 0) * BLOCK_BYTES,
    0,
  );
  const usedAtMs = Number((lstatIfExists(descriptionPathIn(folder))?.modifiedNs ?? 0n) / 1_000_000n);
  try {
    const template = readTemplate(folder);
    checkFiles(folder, template);
    const changed = template.files.find(
      ({ path, identity }) => lstatIfExists(path) === null || identityOf(path).identity !== identity,
    );
    const stale = changed === undefined ? null : `${changed.path} was replaced`;
    return { name, bytes, madeAtMs: template.madeAtMs, usedAtMs, stale };
  } catch (error) {
    return { name, bytes, madeAtMs: 0, usedAtMs, stale: KataError.from(error).message };
  }
}
