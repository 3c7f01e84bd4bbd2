import { getenviron } from 'std';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { listDirectory } from '../os/directory.ts';
import { isErrno } from '../os/errno.ts';
import { readlink, readTextIfExists } from '../os/file.ts';
import type { Any } from '../protocols/gen/google/protobuf/any.ts';
import { Options } from '../protocols/gen/runtime-options.ts';

/** The types under which containerd passes a runtime's own options: a file's path, or its text. */
const RUNTIME_OPTIONS = /(^|\/)runtimeoptions\.v1\.Options$/;

/** The configuration for a task: the file named by the task's options, else the one found where it should be. */
export function configOf(options: Any | undefined): LoadedConfig {
  const explicitPath =
    options !== undefined && RUNTIME_OPTIONS.test(options.typeUrl)
      ? Options.decode(options.value).configPath
      : undefined;
  return readConfig(explicitPath);
}

/** The configuration of this machine. `explicitPath` is stronger than every other place. */
export function readConfig(explicitPath?: string): LoadedConfig {
  return loadConfig({
    explicitPath,
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
