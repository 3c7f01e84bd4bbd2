import type { RuntimeContext } from '../context.ts';
import { forEach } from '../for-each.ts';
import { print } from '../output.ts';
import { findSandbox } from './find-sandbox.ts';
import { lookInside } from './look-inside.ts';
import { formatReport } from './sandbox-report.ts';
import { sandboxToJson } from './sandbox-table.ts';

/** `kata-runtime state`. */
export async function state(
  this: RuntimeContext,
  flags: { format?: 'text' | 'json' },
  ...references: string[]
): Promise<void> {
  const found: unknown[] = [];
  const reports: string[] = [];
  await forEach(this, references, async (reference) => {
    const sandbox = findSandbox(reference);
    const containers = await lookInside(sandbox);
    if (flags.format === 'json') found.push({ ...sandboxToJson(sandbox), containers });
    else reports.push(formatReport(sandbox, containers, Date.now()));
  });
  print(flags.format === 'json' ? `${JSON.stringify(found, null, 2)}\n` : reports.join('\n'));
}
