import { KataError } from '../../errors/kata-error.ts';
import { makeDirectories } from '../../os/directory.ts';
import { writeFile } from '../../os/file.ts';
import { MS, mount } from '../../os/mount.ts';
import { isType, lstatIfExists, S } from '../../os/stat.ts';
import type { Spec } from '../../protocols/gen/oci.ts';
import { toConfigJson } from './config-json.ts';
import { bundleOf } from './guest-paths.ts';

/**
 * Makes a container's bundle, where hooks and people look for it: its root, bound from where the storages or the host's
 * copies have put it, and `config.json`. The spec's root is the bundle's afterwards.
 *
 * Unlike Kata: `config.json` is written only where there are hooks to read it; it would take longer than the rest.
 */
export function setUpBundle(containerId: string, spec: Spec): void {
  const root = spec.root;
  if (root === undefined || root.path === '')
    throw new KataError('invalid-argument', `container ${containerId} is expected to have a root`);
  const found = lstatIfExists(root.path);
  if (found === null || !isType(found, S.IFDIR))
    throw new KataError(
      'not-found',
      `container ${containerId} is expected to have its root at ${root.path}, there is no folder in the guest`,
      { hint: 'the runtime must share it, send a storage for it, or copy it there first' },
    );
  const bundle = bundleOf(containerId);
  const rootfs = `${bundle}/rootfs`;
  makeDirectories(rootfs);
  if (root.path !== rootfs) mount(root.path, rootfs, '', MS.BIND);
  spec.root = { ...root, path: rootfs };
  if (hasHooks(spec)) writeFile(`${bundle}/config.json`, toConfigJson(spec), 0o600);
}

function hasHooks({ hooks }: Spec): boolean {
  return Object.values(hooks ?? {}).some((list) => list.length > 0);
}
