import { syscall } from 'sys';
import { KataError } from '../errors/kata-error.ts';
import { NR } from '../syscall/numbers.ts';
import { check, ERRNO } from './errno.ts';
import { close, O, open } from './fd.ts';
import { exists, readText, readTextIfExists } from './file.ts';
import { ModuleDependencies, moduleName } from './modules-dep.ts';

/** The kernel modules that are loaded, by the kernel's names; none where the kernel has no modules. */
export function loadedModules(): Set<string> {
  const lines = (readTextIfExists('/proc/modules') ?? '').split('\n').filter((line) => line !== '');
  return new Set(lines.map((line) => line.slice(0, line.indexOf(' '))));
}

/** The kernel unpacks `.ko.xz`, `.ko.zst` and `.ko.gz` itself, the one that it was built for. */
const MODULE_INIT_COMPRESSED_FILE = 4;

/**
 * Loads one kernel module file (finit_module(2)), `.ko` or compressed as the kernel was built for; whether it was not
 * loaded before. `parameters` is what stands behind its name for modprobe(8): `max_loop=8 debug=1`.
 */
export function loadModuleFile(path: string, parameters = ''): boolean {
  const fd = open(path, O.RDONLY);
  try {
    const flags = path.endsWith('.ko') ? 0 : MODULE_INIT_COMPRESSED_FILE;
    const result = syscall(NR.finit_module, fd, parameters, flags);
    if (result === -ERRNO.EEXIST) return false;
    check(result, `load the kernel module ${path}`);
    return true;
  } finally {
    close(fd);
  }
}

/** Loads a module from memory (init_module(2)); whether it was not loaded before. */
export function loadModuleImage(name: string, image: Uint8Array, parameters = ''): boolean {
  const result = syscall(NR.init_module, image, image.length, parameters);
  if (result === -ERRNO.EEXIST) return false;
  check(result, `load the kernel module ${name}`);
  return true;
}

/** Loads modules by name with what they need, from a folder of `.ko`, `.ko.xz` files with their `modules.dep`. */
export class ModuleLoader {
  readonly #folder: string;
  #dependencies: ModuleDependencies | undefined;

  constructor(folder = '/lib/modules') {
    this.#folder = folder;
  }

  /** Whether the module is in the folder, in the kernel itself, or loaded. */
  has(name: string): boolean {
    return this.#order(name) !== null || isPresent(name);
  }

  /**
   * Loads a module after those it needs; one that is loaded, or part of the kernel itself, is fine. `not-found` when
   * there is none of that name.
   */
  load(name: string, parameters = ''): void {
    const order = this.#order(name);
    if (order === null) {
      if (isPresent(name)) return;
      throw new KataError(
        'not-found',
        `the kernel module ${name} is expected in ${this.#folder}/modules.dep, it is not there`,
        {
          hint: 'choose a guest image whose kernel has it',
        },
      );
    }
    const loaded = loadedModules();
    for (const file of order) {
      if (loaded.has(moduleName(file))) continue;
      loadModuleFile(`${this.#folder}/${file}`, moduleName(file) === moduleName(name) ? parameters : '');
    }
  }

  #order(name: string): string[] | null {
    this.#dependencies ??= new ModuleDependencies(readTextIfExists(`${this.#folder}/modules.dep`) ?? '');
    return this.#dependencies.loadOrder(name);
  }
}

/** A module that is loaded or built in, when it has parameters or a version, has a folder there. */
function isPresent(name: string): boolean {
  return exists(`/sys/module/${moduleName(name)}`);
}

/** The release of the running kernel, which names the folder of its modules: `6.12.9-amd64`. */
export function kernelRelease(): string {
  return readText('/proc/sys/kernel/osrelease').trim();
}
