import { getenv } from 'std';
import { syscall } from 'sys';
import { KataError } from '../errors/kata-error.ts';
import { identifyContainer } from '../oci/annotations.ts';
import { makeDirectories } from '../os/directory.ts';
import { check, isErrno } from '../os/errno.ts';
import { close, moveTo, O, open, writeSync } from '../os/fd.ts';
import { removeFile, writeFileAtomic } from '../os/file.ts';
import { resetAfterFork } from '../os/loop.ts';
import { fork } from '../os/process.ts';
import { connectUnix, type Listener, listenUnix } from '../os/socket.ts';
import { utf8Encode } from '../os/utf8.ts';
import { NR } from '../syscall/numbers.ts';
import { socketPath } from './address.ts';
import { readAnnotations, siblingAddress } from './bundle.ts';
import type { ShimFlags } from './flags.ts';
import { serve } from './server.ts';

/**
 * `start` (containerd, "Shim v2", Start): prints where the shim of this container listens. A pod's container is served
 * by the shim of its sandbox; any other gets a shim of its own, forked from here with its socket already open.
 */
export async function start(flags: ShimFlags, bundle: string): Promise<number> {
  const identity = identifyContainer(flags.id, readAnnotations(bundle));
  if (identity.kind === 'pod-container') {
    const address = siblingAddress(bundle, identity.sandboxId);
    if (address === null)
      throw new KataError(
        'not-found',
        `container ${flags.id} belongs to the sandbox ${identity.sandboxId}, which has no shim`,
        {
          hint: 'start the pod sandbox first',
        },
      );
    announce(bundle, address);
    return 0;
  }
  const path = socketPath(flags.address, flags.namespace, flags.id);
  const address = `unix://${path}`;
  const listener = await listenOnce(path);
  if (listener !== null) {
    const forked = fork();
    if (forked === null) {
      detach();
      return serve({ flags, bundle, socketPath: path, listener, timeline: getenv('KATA_TIMELINE') === '1' });
    }
    writeFileAtomic(`${bundle}/shim.pid`, `${forked.pid}`, 0o600);
  }
  announce(bundle, address);
  return 0;
}

/** A listener at `path`; null when a live shim listens there already. A dead one's socket is replaced. */
async function listenOnce(path: string): Promise<Listener | null> {
  makeDirectories(path.slice(0, path.lastIndexOf('/')), 0o711);
  try {
    return listenUnix(path);
  } catch (error) {
    if (!isErrno(error, 'EADDRINUSE')) throw error;
  }
  try {
    (await connectUnix(path)).close();
    return null;
  } catch {
    removeFile(path);
    return listenUnix(path);
  }
}

function announce(bundle: string, address: string): void {
  writeFileAtomic(`${bundle}/address`, address, 0o600);
  writeSync(1, utf8Encode(address));
}

/** In the forked server: a session of its own, and nothing left open that `start`'s caller waits for. */
function detach(): void {
  resetAfterFork();
  check(syscall(NR.setsid), 'start a session');
  const nothing = open('/dev/null', O.RDWR);
  for (const fd of [0, 1, 2]) moveTo(nothing, fd);
  close(nothing);
}
