import { KataError } from '../../../errors/kata-error.ts';

/** `--volume-path` of all of them. */
export const VOLUME_PATH = {
  kind: 'parsed',
  parse: absolutePath,
  brief: 'The path that containers bind-mount',
  placeholder: 'PATH',
} as const;

function absolutePath(path: string): string {
  if (path.startsWith('/')) return path;
  throw new KataError('invalid-argument', `an absolute path is expected, found ${JSON.stringify(path)}`);
}
