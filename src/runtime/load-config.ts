import type { Config } from '../config/config.ts';
import type { LoadedConfig } from '../config/load.ts';
import { joinPath } from '../config/paths.ts';
import { getcwd } from '../os/cwd.ts';
import { readConfig } from '../shim/options.ts';
import { type GlobalOptions, isTold } from './global-options.ts';
import { complain } from './output.ts';

export interface RuntimeConfiguration {
  config: Config;
  /** The file, absolute: the shim reads the same, whatever its folder. */
  path: string;
}

/**
 * The configuration that `--config` names, or that is found, with what a sandbox's annotations ask for beyond it. Keys that
 * mean nothing here are told.
 */
export function loadRuntimeConfig(
  global: GlobalOptions,
  annotations?: Readonly<Record<string, string>>,
): RuntimeConfiguration {
  const { config, sources, warnings } = readRuntimeConfig(global, annotations);
  if (isTold('warn', global.logLevel)) for (const warning of warnings) complain(warning);
  return { config, path: absolute(sources[0]!) };
}

/** The same with all that is known of it, and nothing told. */
export function readRuntimeConfig(
  { configPath }: GlobalOptions,
  annotations?: Readonly<Record<string, string>>,
): LoadedConfig {
  // Absolute from the start: what a file names is found from where it is, and makes the name of a template.
  return readConfig(configPath === undefined ? undefined : absolute(configPath), annotations);
}

const absolute = (path: string): string => (path.startsWith('/') ? path : joinPath(getcwd(), path));
