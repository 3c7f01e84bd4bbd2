import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { KataError } from '../../errors/kata-error.ts';
import { readFile, readTextIfExists } from '../../os/file.ts';
import { utf8Decode } from '../../os/utf8.ts';

/** OCI image-spec, descriptor.md. */
export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  annotations?: Record<string, string>;
}
/** OCI image-spec, manifest.md. */
export interface Manifest {
  config: Descriptor;
  layers: Descriptor[];
}

/** The annotation of an index that names an image. */
export const REF_NAME = 'org.opencontainers.image.ref.name';
/** Manifests and configs are some KiB; registries refuse more than 4 MiB. */
const MAX_JSON_BYTES = 4 * 2 ** 20;
const DIGEST = /^sha256:([0-9a-f]{64})$/;

/** Where a blob is (OCI image-spec, image-layout.md). The digest comes out of an image: it must not lead elsewhere. */
export function blobPath(layout: string, digest: string): string {
  const match = DIGEST.exec(digest);
  if (match === null)
    throw new KataError(
      'data-loss',
      `a sha256 digest is expected in the image layout ${layout}, found ${JSON.stringify(digest)}`,
    );
  return `${layout}/blobs/sha256/${match[1]}`;
}

/** A blob of JSON whose bytes are what its digest says, as text: what is in it is the image's word. */
export function readJsonText(layout: string, digest: string): string {
  const path = blobPath(layout, digest);
  const bytes = readFile(path, MAX_JSON_BYTES + 1);
  if (bytes.length > MAX_JSON_BYTES || `sha256:${bytesToHex(sha256(bytes))}` !== digest)
    throw new KataError('data-loss', `${path} is expected to have the digest that is its name, it has not`, {
      hint: 'remove the image and pull it again',
    });
  return utf8Decode(bytes);
}

function asObject(value: unknown, path: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new KataError('data-loss', `a JSON object is expected in ${path}`);
}

const isDescriptor = (value: unknown): value is Descriptor =>
  typeof value === 'object' &&
  value !== null &&
  DIGEST.test((value as Descriptor).digest) &&
  Number.isSafeInteger((value as Descriptor).size);

/** The manifests that a layout's index lists; none when there is no layout. */
export function readIndex(layout: string): Descriptor[] {
  const path = `${layout}/index.json`;
  const text = readTextIfExists(path);
  if (text === null) return [];
  let index: unknown;
  try {
    index = JSON.parse(text);
  } catch (error) {
    throw new KataError('data-loss', `JSON is expected in ${path}: ${String(error)}`, { cause: error });
  }
  const { manifests } = asObject(index, path);
  return Array.isArray(manifests) ? manifests.filter(isDescriptor) : [];
}

export function readManifest(layout: string, digest: string): Manifest {
  const { config, layers } = asObject(JSON.parse(readJsonText(layout, digest)), blobPath(layout, digest));
  if (!isDescriptor(config) || !Array.isArray(layers) || !layers.every(isDescriptor))
    throw new KataError('data-loss', `an image manifest is expected as ${digest} in ${layout}, found something else`);
  return { config, layers };
}
