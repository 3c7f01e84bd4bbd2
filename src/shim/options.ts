import { getenviron } from 'std';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { availableCpus } from '../os/cpus.ts';
import { listDirectory } from '../os/directory.ts';
import { isErrno } from '../os/errno.ts';
import { readlink, readTextIfExists } from '../os/file.ts';
import type { Any } from '../protocols/gen/google/protobuf/any.ts';
import { Options } from '../protocols/gen/runtime-options.ts';

/** The types under which containerd passes a runtime's own options: a file's path, or its text. */
const RUNTIME_OPTIONS = /(^|\/)runtimeoptions\.v1\.Options$/;

/**
 * The configuration for a task: the file named by the task's options, else the one found where it should be, and what the
 * annotations of a sandbox ask for beyond it.
 */
export function configOf(
  options: Any | undefined,
  annotations?: Readonly<Record<string, string>> | undefined,
): LoadedConfig {
  const explicitPath =
    options !== undefined && RUNTIME_OPTIONS.test(options.typeUrl)
      ? Options.decode(options.value).configPath
      : undefined;
  return readConfig(explicitPath, annotations);
}

/** The configuration of this machine. `explicitPath` is stronger than every other place. */
export function readConfig(
  explicitPath?: string,
  annotations?: Readonly<Record<string, string>> | undefined,
): LoadedConfig {
  return loadConfig({
    explicitPath,
    annotations,
    hostProcessors: availableCpus(),
    env: getenviron(),
    binaryPath: readlink('/proc/self/exe'),
    readText: readTextIfExists,
    listDirectory: (path) => {
      try {
        return listDirectory(path);
      } catch (error) {
        if (isErrno(error, 'ENOENT', 'ENOTDIR')) return null;
        throw error;
      }
    },
  });
}
