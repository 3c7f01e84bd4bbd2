import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { utf8Encode } from '../os/utf8.ts';

/** Where containerd expects the sockets of shims, whatever its own state folder is. */
const SOCKET_FOLDER = '/run/containerd/s';

/**
 * The path of the socket of one shim: the name is the SHA-256 of containerd's address, the namespace and the id, the
 * rule of containerd's shim library, so that two containerds and two namespaces never meet.
 */
export function socketPath(containerdAddress: string, namespace: string, id: string): string {
  const name = [containerdAddress, namespace, id].join('/').replaceAll(/\/+/g, '/');
  return `${SOCKET_FOLDER}/${bytesToHex(sha256(utf8Encode(name)))}`;
}
