import type { Spec } from '../../protocols/gen/oci.ts';
import type { SharedNamespaces } from '../container/container-options.ts';
import type { SandboxNamespaces } from './namespaces.ts';

/**
 * Which of the sandbox's namespaces a container joins: ipc and uts where its spec lists them, pid when asked to share
 * it and there is one to share. Paths in the spec are the host's, and mean nothing here.
 */
export function sharedNamespaces(
  spec: Spec,
  held: SandboxNamespaces | undefined,
  sharesPid: boolean,
): SharedNamespaces {
  const listed = new Set(spec.linux?.namespaces.map(({ type }) => type));
  for (const namespace of spec.linux?.namespaces ?? []) namespace.path = '';
  return {
    ipcFd: listed.has('ipc') ? held?.get('ipc') : undefined,
    utsFd: listed.has('uts') ? held?.get('uts') : undefined,
    pidFd: sharesPid ? held?.get('pid') : undefined,
  };
}
