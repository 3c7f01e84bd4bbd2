import { KataError } from '../../errors/kata-error.ts';
import type { LogLevel } from './log-level.ts';

/** What belongs to a message: `{ container: 'web', pid: 7, error }`. Undefined ones are left out. */
export type LogFields = Readonly<Record<string, unknown>>;

/** The kernel cuts a line of `/dev/kmsg` at about 1000 bytes; a character may take four. */
const MAX_VALUE_CHARACTERS = 400;

/** One line: `kata-agent level=warn msg="…" container=web`. Whatever a container or a host put into it stays one line. */
export function formatLogLine(level: LogLevel, message: string, fields: LogFields = {}): string {
  const parts = [`kata-agent level=${level}`, `msg=${quote(message)}`];
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) parts.push(`${key}=${quote(text(value))}`);
  }
  return parts.join(' ');
}

function text(value: unknown): string {
  if (value instanceof KataError) return value.line;
  if (value instanceof Error) return `${value.message} ${value.stack ?? ''}`;
  return String(value);
}

function quote(value: string): string {
  const short = value.length > MAX_VALUE_CHARACTERS ? `${value.slice(0, MAX_VALUE_CHARACTERS)}…` : value;
  return /^[\w./:@+-]+$/.test(short) ? short : JSON.stringify(short);
}
