import { KataError } from '../errors/kata-error.ts';

/** What an overlay mount's options say (overlayfs.rst of Linux), as far as looking at its content needs. */
export interface OverlayOptions {
  /** The read-only layers, the top first. */
  lowers: string[];
  upper: string | null;
  /** Options that change what is seen in the layers, as they are given. */
  reading: string[];
}

/** How whiteouts and renamed or shared files are marked in the layers. */
const READING = /^(userxattr|redirect_dir=.*|metacopy=.*)$/;

/** `a:b\:c` as `['a', 'b:c']`. */
function splitLowers(text: string): string[] {
  const paths: string[] = [];
  let path = '';
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (character === ':') {
      paths.push(path);
      path = '';
    } else {
      path += character === '\\' && i + 1 < text.length ? text[++i]! : character;
    }
  }
  return [...paths, path];
}

/** Throws `invalid-argument` when there are no layers, or some that are not paths. */
export function parseOverlayOptions(options: readonly string[]): OverlayOptions {
  const optionOf = (key: string): string | undefined =>
    options.findLast((option) => option.startsWith(`${key}=`))?.slice(key.length + 1);
  const lowers = splitLowers(optionOf('lowerdir') ?? '');
  const upper = optionOf('upperdir') ?? null;
  const relative = [...lowers, ...(upper === null ? [] : [upper])].find((path) => !path.startsWith('/'));
  if (relative !== undefined)
    throw new KataError(
      'invalid-argument',
      `an overlay is expected to name its layers by absolute paths, found ${JSON.stringify(options)}`,
    );
  return { lowers, upper, reading: options.filter((option) => READING.test(option)) };
}

const escaped = (path: string): string => path.replace(/[\\:,]/g, '\\$&');

/** The folder that all paths are below. */
function commonParent(paths: readonly string[]): string {
  const [first = '', ...others] = paths.map((path) => path.split('/'));
  let depth = 0;
  while (depth < first.length - 1 && others.every((parts) => parts[depth] === first[depth])) depth++;
  return (first as string[]).slice(0, depth).join('/') || '/';
}

/**
 * mount(2)'s data for a read-only overlay of these layers, the top first, and the folder to mount it from: paths are
 * relative to it, since the kernel takes one page of data and an image may have 128 layers.
 */
export function overlayData(lowers: readonly string[], reading: readonly string[]): { folder: string; data: string } {
  const folder = commonParent(lowers);
  const relative = lowers.map((path) => escaped(path.slice(folder === '/' ? 1 : folder.length + 1)));
  return { folder, data: [...reading, `lowerdir=${relative.join(':')}`].join(',') };
}
