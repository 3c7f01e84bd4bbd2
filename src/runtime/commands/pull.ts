import { buildCommand } from '@stricli/core';
import type { RuntimeContext } from '../context.ts';
import { toggle } from '../flags.ts';
import { forEach } from '../for-each.ts';
import { openImageStore, pullImage } from '../images.ts';
import { print } from '../output.ts';

async function pull(this: RuntimeContext, flags: { quiet?: boolean }, ...references: string[]): Promise<void> {
  const store = openImageStore();
  await forEach(this, references, async (reference) => {
    const { name, digest } = await pullImage(store, reference, flags.quiet ?? false);
    print(flags.quiet ? `${name}\n` : `${name}\n${digest}\n`);
  });
}

export const pullCommand = buildCommand({
  func: pull,
  docs: {
    brief: 'Fetch images',
    fullDescription:
      'Fetch images. A reference is a name of a registry (busybox, ghcr.io/owner/app:v1, docker://…), or oci:FOLDER[:TAG], oci-archive:FILE, docker-archive:FILE or dir:FOLDER.',
  },
  parameters: {
    flags: { quiet: toggle('Show no progress') },
    aliases: { q: 'quiet' },
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: { brief: 'What to fetch', parse: String, placeholder: 'IMAGE' },
    },
  },
});
