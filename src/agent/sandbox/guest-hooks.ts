import { listDirectoryIfExists } from '../../os/directory.ts';
import { lstat, S } from '../../os/stat.ts';
import type { Hook, Hooks, Spec } from '../../protocols/gen/oci.ts';
import { log } from '../log/log.ts';

const EXECUTABLE = 0o111;

/** Hooks that the guest image brings for every container, by when they run. */
export interface GuestHooks {
  prestart: Hook[];
  poststart: Hook[];
  poststop: Hook[];
}

/** The hooks below a folder of the guest: executable files, no links, in `prestart`, `poststart` and `poststop`. */
export function findGuestHooks(folder: string): GuestHooks {
  const hooksOf = (when: keyof GuestHooks): Hook[] =>
    listDirectoryIfExists(`${folder}/${when}`)
      .map((name) => ({ path: `${folder}/${when}/${name}`, args: [name, when], env: [], timeout: 0n }))
      .filter(({ path }) => {
        const { mode } = lstat(path);
        return (mode & S.IFMT) === S.IFREG && (mode & EXECUTABLE) !== 0;
      });
  const hooks = { prestart: hooksOf('prestart'), poststart: hooksOf('poststart'), poststop: hooksOf('poststop') };
  log.info('guest hooks', { folder, found: Object.values(hooks).flat().length });
  return hooks;
}

/** Adds the guest's hooks behind those of the spec. */
export function addGuestHooks(spec: Spec, hooks: GuestHooks): void {
  const none: Hooks = {
    prestart: [],
    poststart: [],
    poststop: [],
    createRuntime: [],
    createContainer: [],
    startContainer: [],
  };
  const present = spec.hooks ?? none;
  spec.hooks = {
    ...present,
    prestart: [...present.prestart, ...hooks.prestart],
    poststart: [...present.poststart, ...hooks.poststart],
    poststop: [...present.poststop, ...hooks.poststop],
  };
}
