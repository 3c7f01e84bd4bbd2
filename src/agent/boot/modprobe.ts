import { makeDirectory } from '../../os/directory.ts';
import { exists, readTextIfExists, symlink, writeControl } from '../../os/file.ts';
import { ModuleLoader } from '../../os/module.ts';
import { ModuleAliases } from './module-alias.ts';

const FOLDER = '/lib/modules';
const HELPER = '/sbin/modprobe';

/** Loads a kernel module by name, or all that answer to an alias. `not-found` when there is none. */
export function loadKernelModule(name: string, parameters: readonly string[] = []): void {
  const loader = new ModuleLoader(FOLDER);
  const text = parameters.join(' ');
  const aliased = loader.has(name)
    ? []
    : new ModuleAliases(readTextIfExists(`${FOLDER}/modules.alias`) ?? '').modulesOf(name);
  if (aliased.length === 0) loader.load(name, text);
  for (const module of aliased) loader.load(module, text);
}

/** Loads a kernel module unless it is there: as quick as a look when it is. */
export function needKernelModule(name: string, parameters: readonly string[] = []): void {
  if (!exists(`/sys/module/${name}`)) loadKernelModule(name, parameters);
}

/**
 * Makes the agent's program the one that the kernel calls when it misses a module: at the first mount of a file system,
 * at the first rule of iptables. To be called before the root is moved: the kernel's helpers keep the old one.
 */
export function installModprobe(): void {
  makeDirectory('/sbin');
  symlink('/init', HELPER);
}

/** Tells the kernel of the helper. Needs `/proc`. */
export function enableModprobe(): void {
  writeControl('/proc/sys/kernel/modprobe', HELPER);
}

/** Whether this process is that helper, by the name it was called by. */
export function isModprobe(programName: string): boolean {
  return programName === HELPER;
}

/** What the helper does: the kernel calls it with `-q -- <name>`. The status for the kernel: 0 when it was loaded. */
export function runModprobe(argv: readonly string[]): number {
  const name = argv.find((word, i) => i > 0 && !word.startsWith('-'));
  if (name === undefined) return 1;
  try {
    loadKernelModule(name);
    return 0;
  } catch {
    // The kernel was asked to be quiet, and tells its own caller that there is no such module.
    return 1;
  }
}
