import { KataError } from '../../errors/kata-error.ts';

/** Our own environment. */
type Environment = Readonly<Record<string, string | undefined>>;

/** What `--env` names: `NAME=value` as it is, `NAME` alone with our own value, or nothing when we have none. */
export function parseVariable(text: string, own: Environment): string[] {
  const equals = text.indexOf('=');
  if (equals === 0 || text === '')
    throw new KataError('invalid-argument', `an environment variable is expected, found ${JSON.stringify(text)}`, {
      hint: 'write it like NAME=value, or NAME to pass on your own',
    });
  if (equals > 0) return [text];
  const value = own[text];
  return value === undefined ? [] : [`${text}=${value}`];
}

/** The variables of an `--env-file`: one a line as `--env` takes them; blank lines and those that begin with # are skipped. */
export function parseVariables(text: string, own: Environment): string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/^\s+/, '').replace(/\r$/, ''))
    .filter((line) => line !== '' && !line.startsWith('#'))
    .flatMap((line) => parseVariable(line, own));
}

/** Variables put over others of the same name, in place; new ones follow. */
export function mergeEnvironment(base: readonly string[], more: readonly string[]): string[] {
  const nameOf = (variable: string): string => variable.split('=', 1)[0]!;
  const merged = new Map<string, string>();
  for (const variable of [...base, ...more]) merged.set(nameOf(variable), variable);
  return [...merged.values()];
}
