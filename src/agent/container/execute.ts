import { KataError } from '../../errors/kata-error.ts';
import { ERRNO, errnoName } from '../../os/errno.ts';
import { exists } from '../../os/file.ts';
import { exec } from '../../os/process.ts';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The value of a variable; of several the last counts. */
export function environmentValue(env: readonly string[], name: string): string | undefined {
  return env.findLast((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);
}

/**
 * Replaces this process by `args[0]`, looked up in the PATH of `env` unless it holds a slash, inside the root and with
 * the rights that the process has by now. The messages begin like those of runc, which callers of containerd look for.
 */
export function execute(args: readonly string[], env: readonly string[]): never {
  const name = args[0] ?? '';
  if (name === '') throw new KataError('invalid-argument', 'process.args is expected to name a program, it is empty');
  const candidates = name.includes('/')
    ? [name]
    : (environmentValue(env, 'PATH') ?? DEFAULT_PATH).split(':').map((folder) => `${folder || '.'}/${name}`);
  let denied: string | undefined;
  for (const path of candidates) {
    try {
      exec(path, args, env);
    } catch (error) {
      const { errno } = KataError.from(error);
      if (errno === 'EACCES') denied ??= path;
      else if (name.includes('/') || (errno !== 'ENOENT' && errno !== 'ENOTDIR')) throw failure(name, path, errno);
      else if (exists(path)) throw failure(name, path, errno);
    }
  }
  if (denied !== undefined) throw failure(name, denied, 'EACCES');
  throw new KataError('not-found', `exec: ${JSON.stringify(name)}: executable file not found in $PATH`, {
    errno: 'ENOENT',
    hint: `looked in ${environmentValue(env, 'PATH') ?? DEFAULT_PATH}`,
  });
}

function failure(name: string, path: string, errno: string | undefined): KataError {
  const quoted = JSON.stringify(name);
  switch (errno) {
    case 'ENOENT':
    case 'ENOTDIR':
      return exists(path)
        ? new KataError('not-found', `exec ${path}: no such file or directory: its interpreter or loader is missing`, {
            errno: 'ENOENT',
            hint: 'the program was built for another C library or needs an interpreter that the image lacks',
          })
        : new KataError('not-found', `exec: ${quoted}: stat ${path}: no such file or directory`, { errno: 'ENOENT' });
    case 'EACCES':
      return new KataError('permission-denied', `exec: ${quoted}: permission denied`, {
        errno,
        hint: `${path} is expected to be an executable file`,
      });
    case 'ENOEXEC':
      return new KataError('invalid-argument', `exec ${path}: exec format error`, {
        errno,
        hint: 'a program for this architecture, or a script with a #! line, is expected',
      });
    default:
      return new KataError('internal', `exec ${path}: ${errno ?? errnoName(ERRNO.EIO)}`, { errno });
  }
}
