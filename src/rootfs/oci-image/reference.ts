import { KataError } from '../../errors/kata-error.ts';

export type Transport = 'docker' | 'oci' | 'oci-archive' | 'docker-archive' | 'dir';

/** Where an image comes from (containers-transports(5)). */
export interface ImageReference {
  transport: Transport;
  /** What skopeo is given: `docker://docker.io/library/busybox:latest`. */
  source: string;
  /** What it is kept and listed under: `docker.io/library/busybox:latest`, `oci:/images/app:v1`. */
  name: string;
}

const DEFAULT_REGISTRY = 'docker.io';
const DEFAULT_NAMESPACE = 'library';
const DEFAULT_TAG = 'latest';
/** The grammar of names, github.com/distribution/reference. */
const REGISTRY =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?$/;
const PATH_COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const MAX_NAME = 255;

const HINT =
  'such as busybox, ghcr.io/owner/app:v1, docker://…, oci:PATH[:TAG], oci-archive:FILE, docker-archive:FILE, dir:PATH';
const bad = (text: string, why: string): KataError =>
  new KataError('invalid-argument', `an image reference is expected, found ${JSON.stringify(text)}: ${why}`, {
    hint: HINT,
  });

/** Reads what a person calls an image. `folder` is what relative paths are relative to. Throws `invalid-argument`. */
export function parseReference(text: string, folder: string): ImageReference {
  if (text.startsWith('docker://')) return parseDocker(text, text.slice('docker://'.length));
  const local = /^(oci|oci-archive|docker-archive|dir):(.*)$/s.exec(text);
  if (local !== null) return parseLocal(text, local[1] as Transport, local[2]!, folder);
  const transport = /^([a-z-]+):\/\/|^(containers-storage|docker-daemon|ostree|sif|tarball):/.exec(text);
  if (transport !== null) throw bad(text, `the transport ${transport[1] ?? transport[2]} is not supported`);
  return parseDocker(text, text);
}

function parseLocal(text: string, transport: Transport, rest: string, folder: string): ImageReference {
  // As skopeo reads it: a path holds no colon, and a folder of `dir:` has no tag.
  const colon = transport === 'dir' ? -1 : rest.indexOf(':');
  const path = colon < 0 ? rest : rest.slice(0, colon);
  const tag = colon < 0 ? '' : rest.slice(colon);
  if (path === '') throw bad(text, 'the path is missing');
  if (/\p{Cc}/u.test(rest)) throw bad(text, 'it holds a control character');
  const absolute = path.startsWith('/') ? path : `${folder.replace(/\/$/, '')}/${path.replace(/^\.\//, '')}`;
  const source = `${transport}:${absolute}${tag}`;
  return { transport, source, name: source };
}

function parseDocker(text: string, rest: string): ImageReference {
  const [beforeDigest, digest] = splitAt(rest, rest.indexOf('@'));
  if (digest !== null && !DIGEST.test(digest))
    throw bad(text, 'a digest is sha256: and 64 lower-case hexadecimal digits');
  // A colon before the last slash belongs to the registry's port.
  const colon = beforeDigest.indexOf(':', beforeDigest.lastIndexOf('/') + 1);
  const [repository, tag] = splitAt(beforeDigest, colon);
  if (tag !== null && !TAG.test(tag)) throw bad(text, `${JSON.stringify(tag)} is no tag`);
  const [registry, path] = splitRegistry(repository);
  if (!REGISTRY.test(registry)) throw bad(text, `${JSON.stringify(registry)} is no registry`);
  const wrong = path.split('/').find((component) => !PATH_COMPONENT.test(component));
  if (wrong !== undefined) throw bad(text, `${JSON.stringify(wrong)} is no part of a name, which is lower-case`);
  const full = `${registry}/${path}`;
  if (full.length > MAX_NAME) throw bad(text, `a name has at most ${MAX_NAME} characters`);
  // With a digest a tag says nothing more, and skopeo refuses both together.
  const name = digest === null ? `${full}:${tag ?? DEFAULT_TAG}` : `${full}@${digest}`;
  return { transport: 'docker', source: `docker://${name}`, name };
}

/** The text before and behind one character; null when the character is not there. */
const splitAt = (text: string, at: number): [string, string | null] =>
  at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];

function splitRegistry(repository: string): [registry: string, path: string] {
  const slash = repository.indexOf('/');
  const first = slash < 0 ? '' : repository.slice(0, slash);
  const isRegistry = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  const registry = !isRegistry || first === 'index.docker.io' ? DEFAULT_REGISTRY : first;
  const path = isRegistry ? repository.slice(slash + 1) : repository;
  return [registry, registry === DEFAULT_REGISTRY && !path.includes('/') ? `${DEFAULT_NAMESPACE}/${path}` : path];
}

/** A name as a person would write it: `busybox` for `docker.io/library/busybox:latest`. */
export function shortName(name: string): string {
  return name.replace(/^docker\.io\/(library\/)?/, '').replace(/^([^@]*):latest$/, '$1');
}
