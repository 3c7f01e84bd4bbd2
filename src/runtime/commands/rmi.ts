import { buildCommand } from '@stricli/core';
import type { RuntimeContext } from '../context.ts';
import { forEach } from '../for-each.ts';
import { openImageStore } from '../images.ts';
import { print } from '../output.ts';

async function rmi(this: RuntimeContext, _flags: object, ...references: string[]): Promise<void> {
  const store = openImageStore();
  await forEach(this, references, async (reference) => {
    const { name } = await store.remove(reference);
    print(`${name}\n`);
  });
}

export const rmiCommand = buildCommand({
  func: rmi,
  docs: { brief: 'Remove images' },
  parameters: {
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: { brief: 'Its name, or the beginning of its digest', parse: String, placeholder: 'IMAGE' },
    },
  },
});
