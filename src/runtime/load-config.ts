import type { Config } from '../config/config.ts';
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

/** The configuration that `--config` names, or that is found. Keys that mean nothing here are told. */
export function loadRuntimeConfig({ configPath, logLevel }: GlobalOptions): RuntimeConfiguration {
  const { config, sources, warnings } = readConfig(configPath);
  if (isTold('warn', logLevel)) for (const warning of warnings) complain(warning);
  const path = sources[0]!;
  return { config, path: path.startsWith('/') ? path : joinPath(getcwd(), path) };
}
