import type { RuntimeContext } from '../context.ts';
import { print } from '../output.ts';
import { readSandboxes } from './read-sandboxes.ts';
import { formatSandboxes, sandboxToJson } from './sandbox-table.ts';

/** `kata-runtime list`. */
export function list(this: RuntimeContext, flags: { quiet?: boolean; format?: 'table' | 'json' }): void {
  const sandboxes = readSandboxes();
  if (flags.quiet) print(sandboxes.map(({ id }) => `${id}\n`).join(''));
  else if (flags.format === 'json') print(`${JSON.stringify(sandboxes.map(sandboxToJson), null, 2)}\n`);
  else print(formatSandboxes(sandboxes, Date.now()));
}
