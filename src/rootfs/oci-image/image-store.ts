import { KataError } from '../../errors/kata-error.ts';
import { listDirectoryIfExists, makeDirectories, makeTemporaryDirectory, removeTree } from '../../os/directory.ts';
import { close } from '../../os/fd.ts';
import { removeFile, writeFileAtomic } from '../../os/file.ts';
import { sleep } from '../../os/timer.ts';
import { EROFS_FORMAT, makeErofsImage } from '../erofs-image.ts';
import { type LockKind, lockOrMake } from '../file-lock.ts';
import type { ImageCache } from '../image-cache.ts';
import { layerAt } from '../layer.ts';
import type { RootImage } from '../root-image.ts';
import { blobPath, type Descriptor, REF_NAME, readIndex, readJsonText, readManifest } from './image-layout.ts';
import { type ImageReference, parseReference } from './reference.ts';
import { copyImage } from './skopeo.ts';
import type { StoredImage } from './stored-image.ts';
import { unpackImage } from './umoci.ts';

const POLL_MS = 20;
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';

export interface ImageStoreOptions {
  /** `/var/lib/kata-containers/images`; made when something is pulled. Absolute. */
  directory: string;
  /** A folder of image layouts that came with the installation; `busybox` in it is docker.io/library/busybox. */
  builtInDirectory?: string | undefined;
  /** What relative paths in references are relative to. */
  workingDirectory: string;
}

export interface PullOptions {
  /** A descriptor that gets skopeo's progress, such as standard error. */
  progressFd?: number;
}

/**
 * The images of this machine: one OCI image layout, whose index names each image by its reference. Blobs that several
 * images share are there once.
 */
export class ImageStore {
  readonly #directory: string;
  readonly #builtInDirectory: string | undefined;
  readonly #workingDirectory: string;

  constructor({ directory, builtInDirectory, workingDirectory }: ImageStoreOptions) {
    this.#directory = directory;
    this.#builtInDirectory = builtInDirectory;
    this.#workingDirectory = workingDirectory;
  }

  /** Every image, by name; one that was pulled hides one that came with the installation. */
  list(): StoredImage[] {
    const images = new Map<string, StoredImage>();
    for (const image of [...this.#builtIn(), ...this.#pulled()]) images.set(image.name, image);
    return [...images.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /**
   * The image that a person means: by reference, else by its digest or the first characters of it. Null when it is not
   * here. `invalid-argument` for what can be neither, or a digest's beginning that several share.
   */
  find(text: string): StoredImage | null {
    const images = this.list();
    const byDigest = this.#findByDigest(text, images);
    let reference: ImageReference;
    try {
      reference = parseReference(text, this.#workingDirectory);
    } catch (error) {
      if (byDigest !== null) return byDigest;
      throw error;
    }
    return images.find(({ name }) => name === reference.name) ?? byDigest;
  }

  #findByDigest(text: string, images: readonly StoredImage[]): StoredImage | null {
    const prefix = /^(?:sha256:)?([0-9a-f]{6,64})$/.exec(text)?.[1];
    if (prefix === undefined) return null;
    const found = images.filter(({ digest }) => digest.startsWith(`sha256:${prefix}`));
    if (new Set(found.map(({ digest }) => digest)).size > 1)
      throw new KataError(
        'invalid-argument',
        `one image is expected whose digest begins with ${prefix}, found ${found.length}: ${found.map(({ name, digest }) => `${name} (${digest})`).join(', ')}`,
        {
          hint: 'give more characters of the digest',
        },
      );
    return found[0] ?? null;
  }

  /** As `find`, and `not-found` says how to get it. */
  get(text: string): StoredImage {
    const image = this.find(text);
    if (image !== null) return image;
    throw new KataError('not-found', `the image ${text} is expected on this machine, it is not there`, {
      hint: `kata-runtime pull ${text}`,
    });
  }

  /** Fetches an image, whether or not it is here; the same name then means what was fetched. */
  async pull(text: string, options: PullOptions = {}): Promise<StoredImage> {
    const reference = parseReference(text, this.#workingDirectory);
    makeDirectories(`${this.#directory}/blobs/sha256`, 0o700);
    // Blobs that no index names yet are safe from `remove` while this is held.
    const pulling = await this.#lock('pull', 'shared');
    const temporary = makeTemporaryDirectory(`${this.#directory}/pull-`);
    try {
      await copyImage(reference, temporary, `${this.#directory}/blobs`, options.progressFd);
      const [manifest] = readIndex(temporary);
      if (manifest === undefined)
        throw new KataError(
          'internal',
          `skopeo is expected to have written ${temporary}/index.json, no image is in it`,
        );
      await this.#changeIndex((others) => [
        ...others.filter(({ annotations }) => annotations?.[REF_NAME] !== reference.name),
        {
          mediaType: MANIFEST_TYPE,
          digest: manifest.digest,
          size: manifest.size,
          annotations: { [REF_NAME]: reference.name },
        },
      ]);
      return this.get(reference.name);
    } finally {
      removeTree(temporary);
      close(pulling);
    }
  }

  /** Removes a name, and the blobs that no other name needs. `not-found`, or `failed-precondition` for one built in. */
  async remove(text: string): Promise<StoredImage> {
    const image = this.get(text);
    if (image.builtIn)
      throw new KataError('failed-precondition', `${image.name} came with the installation, it is not removed`);
    await this.#changeIndex((others) => others.filter(({ annotations }) => annotations?.[REF_NAME] !== image.name));
    this.#removeUnusedBlobs();
    return image;
  }

  /** What the image says about running it, as it says it: JSON of the OCI image-spec, config.md, that nobody checked. */
  configText({ layout, digest }: StoredImage): string {
    return readJsonText(layout, readManifest(layout, digest).config.digest);
  }

  /** The image's files as a root for containers, made once and kept by `cache`. */
  rootImage(image: StoredImage, cache: ImageCache): Promise<RootImage> {
    const { layout, digest } = image;
    const key = `oci-${digest.slice('sha256:'.length)}-${EROFS_FORMAT}`;
    // Once the manifest is removed, nobody will ask for this again.
    return cache.acquire(key, [layerAt(blobPath(layout, digest))], (path, mountPoint) =>
      unpackImage(image, cache.directory, (root) => makeErofsImage({ kind: 'bind', source: root }, path, mountPoint)),
    );
  }

  #pulled(): StoredImage[] {
    return readIndex(this.#directory).flatMap((descriptor) => {
      const name = descriptor.annotations?.[REF_NAME];
      return name === undefined ? [] : [this.#image(name, descriptor, this.#directory, false)];
    });
  }

  #builtIn(): StoredImage[] {
    const directory = this.#builtInDirectory;
    if (directory === undefined) return [];
    return listDirectoryIfExists(directory).flatMap((folder) =>
      readIndex(`${directory}/${folder}`).map((descriptor) => {
        const tag = descriptor.annotations?.[REF_NAME] ?? 'latest';
        const { name } = parseReference(tag.includes('/') ? tag : `${folder}:${tag}`, '/');
        return this.#image(name, descriptor, `${directory}/${folder}`, true);
      }),
    );
  }

  #image(name: string, { digest, size }: Descriptor, layout: string, builtIn: boolean): StoredImage {
    const sizeBytes = blobsOf(layout, digest).reduce((total, blob) => total + blob.size, size);
    return { name, digest, layout, sizeBytes, builtIn };
  }

  async #changeIndex(change: (manifests: Descriptor[]) => Descriptor[]): Promise<void> {
    const lock = await this.#lock('index', 'exclusive');
    try {
      const manifests = change(readIndex(this.#directory));
      writeFileAtomic(`${this.#directory}/oci-layout`, JSON.stringify({ imageLayoutVersion: '1.0.0' }));
      const index = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests };
      writeFileAtomic(`${this.#directory}/index.json`, JSON.stringify(index));
    } finally {
      close(lock);
    }
  }

  /** Removes blobs that no image needs; not while somebody pulls, whose blobs nobody names yet. */
  #removeUnusedBlobs(): void {
    const lock = lockOrMake(`${this.#directory}/pull.lock`, 'exclusive');
    if (lock === null) return;
    try {
      const used = new Set<string>();
      for (const { digest } of readIndex(this.#directory)) {
        used.add(digest);
        for (const blob of blobsOf(this.#directory, digest)) used.add(blob.digest);
      }
      for (const hex of listDirectoryIfExists(`${this.#directory}/blobs/sha256`))
        if (!used.has(`sha256:${hex}`)) removeFile(`${this.#directory}/blobs/sha256/${hex}`);
      // What a killed pull left; none is under way.
      for (const name of listDirectoryIfExists(this.#directory))
        if (name.startsWith('pull-')) removeTree(`${this.#directory}/${name}`);
    } finally {
      close(lock);
    }
  }

  async #lock(name: 'pull' | 'index', kind: LockKind): Promise<number> {
    for (;;) {
      const lock = lockOrMake(`${this.#directory}/${name}.lock`, kind);
      if (lock !== null) return lock;
      await sleep(POLL_MS);
    }
  }
}

/** What a manifest needs. A broken one needs nothing: it can still be listed and removed, and says so when it is used. */
function blobsOf(layout: string, digest: string): Descriptor[] {
  try {
    const { config, layers } = readManifest(layout, digest);
    return [config, ...layers];
  } catch (error) {
    if (error instanceof KataError || error instanceof SyntaxError) return [];
    throw error;
  }
}
