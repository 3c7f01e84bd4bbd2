// An image that differs from another one in its configuration alone.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

interface Descriptor {
  digest: string;
  size: number;
}

/**
 * Copies an image layout (OCI image-spec, image-layout.md) to `target` with other values in its configuration:
 * `{ Cmd: ['sleep', '1'], StopSignal: 'SIGUSR1' }`.
 */
export function imageVariant(source: string, target: string, changes: Record<string, unknown>): void {
  fs.cpSync(source, target, { recursive: true });
  const blob = ({ digest }: Descriptor) => path.join(target, 'blobs', digest.replace(':', '/'));
  const read = (from: string) => JSON.parse(fs.readFileSync(from, 'utf8'));
  const write = (descriptor: Descriptor, value: unknown) => {
    const bytes = Buffer.from(JSON.stringify(value));
    descriptor.digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    descriptor.size = bytes.length;
    fs.writeFileSync(blob(descriptor), bytes);
  };
  const index = read(path.join(target, 'index.json'));
  const manifest = read(blob(index.manifests[0]));
  const config = read(blob(manifest.config));
  Object.assign(config.config, changes);
  write(manifest.config, config);
  write(index.manifests[0], manifest);
  fs.writeFileSync(path.join(target, 'index.json'), JSON.stringify(index));
}
