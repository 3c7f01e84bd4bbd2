import { isWanted, type LogLevel } from './log-level.ts';
import { formatLogLine, type LogFields } from './log-line.ts';

/** Where lines go. It must not throw. */
export type LogSink = (level: LogLevel, line: string) => void;

let sink: LogSink = () => {};
let limit: LogLevel = 'info';

/** Where lines go from now on, and how fine they get. Until it is called they go nowhere. */
export function setUpLog(newSink: LogSink, newLimit: LogLevel): void {
  sink = newSink;
  limit = newLimit;
}

const at =
  (level: LogLevel) =>
  (message: string, fields?: LogFields): void => {
    if (isWanted(level, limit)) sink(level, formatLogLine(level, message, fields));
  };

/** The agent's log: one function for each level. */
export const log = {
  critical: at('critical'),
  error: at('error'),
  warn: at('warn'),
  info: at('info'),
  debug: at('debug'),
  trace: at('trace'),
};
