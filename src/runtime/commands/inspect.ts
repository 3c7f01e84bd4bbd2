import { buildCommand } from '@stricli/core';
import { KataError } from '../../errors/kata-error.ts';
import { readTextIfExists } from '../../os/file.ts';
import { containerToJson } from '../container-list.ts';
import { lookAtContainer } from '../container-state.ts';
import { containerDirectory, findContainer } from '../container-store.ts';
import type { RuntimeContext } from '../context.ts';
import { forEach } from '../for-each.ts';
import { print } from '../output.ts';

async function inspect(this: RuntimeContext, _flags: object, ...names: string[]): Promise<void> {
  const found: unknown[] = [];
  await forEach(this, names, async (name) => {
    const record = findContainer(name);
    const state = await lookAtContainer(record);
    if (state === null) throw new KataError('not-found', `container ${name} was there and is gone`);
    const bundle = containerDirectory(record.id);
    const spec: unknown = JSON.parse(readTextIfExists(`${bundle}/config.json`) ?? 'null');
    found.push({ ...containerToJson({ record, state }), bundle, spec });
  });
  print(`${JSON.stringify(found, null, 2)}\n`);
}

export const inspectCommand = buildCommand({
  func: inspect,
  docs: { brief: 'Tell all about containers, as JSON' },
  parameters: {
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: { brief: 'Name, id, or the beginning of an id', parse: String, placeholder: 'CONTAINER' },
    },
  },
});
