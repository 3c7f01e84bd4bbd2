import { KataError } from '../../errors/kata-error.ts';
import { isErrno } from '../../os/errno.ts';
import { readText } from '../../os/file.ts';
import type { Spec } from '../../protocols/gen/oci.ts';

const PATH_ANNOTATION = 'io.kubernetes.container.terminationMessagePath';
/** Kubernetes shows no more. */
const MAX_BYTES = 4096;

/** What a container has left as the reason of its end, which Kubernetes shows; empty when it has written nothing. */
export function terminationLog(spec: Spec): string {
  const path = spec.annotations[PATH_ANNOTATION];
  const mount = spec.mounts.find(({ destination }) => destination === path);
  if (path === undefined || mount === undefined)
    throw new KataError(
      'not-found',
      `a mount at the path of the annotation ${PATH_ANNOTATION} is expected, found none`,
    );
  try {
    return readText(mount.source, MAX_BYTES);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return '';
    throw error;
  }
}
