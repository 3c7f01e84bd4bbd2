import { KataError } from '../errors/kata-error.ts';

const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What stands in front of the command, as with docker. */
export interface GlobalOptions {
  /** `--config`, upstream's `--kata-config` too: the configuration file; undefined: where it is usually found. */
  configPath: string | undefined;
  /** `--debug`: the shim logs everything, to `log` in the container's folder. */
  debug: boolean;
  /** `--log-level`: what kata-runtime itself tells on standard error. Default warn. */
  logLevel: LogLevel;
  /** `--show-default-config-paths`: print where configuration.toml is looked for, and do nothing else. */
  showDefaultConfigPaths: boolean;
}

/** Takes the global flags off the front of the command line; the rest begins with the command. */
export function takeGlobalOptions(argv: readonly string[]): { options: GlobalOptions; rest: string[] } {
  const options: GlobalOptions = {
    configPath: undefined,
    debug: false,
    logLevel: 'warn',
    showDefaultConfigPaths: false,
  };
  const rest = [...argv];
  for (;;) {
    const match = /^--(config|kata-config|log-level|debug|show-default-config-paths)(?:=(.*))?$/s.exec(rest[0] ?? '');
    if (match === null) return { options, rest };
    rest.shift();
    const [, name = '', joined] = match;
    if (name === 'debug' || name === 'show-default-config-paths') {
      if (joined !== undefined) throw new KataError('invalid-argument', `--${name} is expected without a value`);
      if (name === 'debug') {
        options.debug = true;
        options.logLevel = 'debug';
      } else options.showDefaultConfigPaths = true;
      continue;
    }
    const value = joined ?? rest.shift();
    if (value === undefined || value === '')
      throw new KataError('invalid-argument', `--${name} is expected to be followed by a value`);
    if (name !== 'log-level') options.configPath = value;
    else options.logLevel = logLevel(value);
  }
}

function logLevel(text: string): LogLevel {
  const found = LOG_LEVELS.find((level) => level === text || (level === 'warn' && text === 'warning'));
  if (found !== undefined) return found;
  throw new KataError(
    'invalid-argument',
    `--log-level is expected to be one of ${LOG_LEVELS.join(', ')}, found ${JSON.stringify(text)}`,
  );
}

/** Whether a message of `level` is told. */
export function isTold(level: LogLevel, threshold: LogLevel): boolean {
  return LOG_LEVELS.indexOf(level) <= LOG_LEVELS.indexOf(threshold);
}
