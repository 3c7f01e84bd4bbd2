import { buildCommand } from '@stricli/core';
import { shortName } from '../../rootfs/oci-image/reference.ts';
import type { RuntimeContext } from '../context.ts';
import { format, toggle } from '../flags.ts';
import { openImageStore } from '../images.ts';
import { print } from '../output.ts';
import { formatSize } from '../size.ts';
import { formatTable } from '../table.ts';

interface Flags {
  quiet?: boolean;
  format?: 'table' | 'json';
}

function images(this: RuntimeContext, flags: Flags): void {
  const found = openImageStore().list();
  if (flags.quiet) print(found.map(({ digest }) => `${digest}\n`).join(''));
  else if (flags.format === 'json')
    print(
      `${JSON.stringify(
        found.map(({ name, digest, sizeBytes, builtIn }) => ({ name, digest, sizeBytes, builtIn })),
        null,
        2,
      )}\n`,
    );
  else
    print(
      formatTable(
        ['IMAGE', 'DIGEST', 'SIZE', 'FROM'],
        found.map(({ name, digest, sizeBytes, builtIn }) => [
          shortName(name),
          digest.slice(0, 'sha256:'.length + 12),
          formatSize(sizeBytes),
          builtIn ? 'installation' : 'pull',
        ]),
      ),
    );
}

export const imagesCommand = buildCommand({
  func: images,
  docs: { brief: 'List the images of this machine' },
  parameters: { flags: { quiet: toggle('Nothing but their digests'), format }, aliases: { q: 'quiet' } },
});
