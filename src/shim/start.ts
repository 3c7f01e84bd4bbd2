import { getenv } from 'std';
import { syscall } from 'sys';
import { configures } from '../config/annotations/names.ts';
import { KataError } from '../errors/kata-error.ts';
import { identifyContainer } from '../oci/annotations.ts';
import { check } from '../os/errno.ts';
import { close, moveTo, O, open, pipe, writeSync } from '../os/fd.ts';
import { removeFile, writeFileAtomic } from '../os/file.ts';
import { resetAfterFork } from '../os/loop.ts';
import { fork } from '../os/process.ts';
import { ignoreSignal, SIGNAL } from '../os/signal.ts';
import { listenUnix } from '../os/socket.ts';
import { utf8Encode } from '../os/utf8.ts';
import { checkIdentifier } from '../sandbox/identifier.ts';
import { NR } from '../syscall/numbers.ts';
import { socketPath } from './address.ts';
import { readAnnotations, siblingAddress } from './bundle.ts';
import { confirm } from './confirmation.ts';
import type { ShimFlags } from './flags.ts';
import { listenOnce } from './listen-once.ts';
import { claimFromPool } from './pool/claim.ts';
import { serve } from './server.ts';

/**
 * `start` (containerd, "Shim v2", Start): prints where the shim of this container listens. A pod's container is served
 * by the shim of its sandbox; any other gets a shim of its own, forked from here with its socket already open.
 */
export async function start(flags: ShimFlags, bundle: string): Promise<number> {
  fillStandardDescriptors();
  // A caller that hung up is an error here, and what was begun is undone.
  ignoreSignal(SIGNAL.PIPE);
  checkIdentifier('a container', flags.id);
  const annotations = readAnnotations(bundle);
  const identity = identifyContainer(flags.id, annotations);
  if (identity.kind === 'pod-container') {
    const address = siblingAddress(bundle, checkIdentifier('a sandbox', identity.sandboxId));
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
  let listener = await listenOnce(path, 0o711);
  if (listener !== null) {
    const timeline = getenv('KATA_TIMELINE') === '1';
    // What waits is as the file alone has it.
    const claimed = configures(annotations)
      ? null
      : await claimFromPool({ flags, bundle, socketPath: path, listener, timeline });
    if (claimed !== null && claimed.pid !== null) {
      writeFileAtomic(`${bundle}/shim.pid`, `${claimed.pid}`, 0o600);
      announce(bundle, address);
      confirm(claimed.connection);
      return 0;
    }
    if (claimed !== null) {
      // Whoever has this socket now is not to be reached by its name.
      listener.close();
      removeFile(path);
      listener = listenUnix(path);
      // Only now: it ends, and takes the name with it unless somebody listens there again.
      close(claimed.connection);
    }
    const [confirmation, ours] = pipe(O.NONBLOCK);
    const forked = fork();
    if (forked === null) {
      close(ours);
      detach();
      return serve({ flags, bundle, socketPath: path, listener, confirmation, timeline });
    }
    close(confirmation);
    try {
      writeFileAtomic(`${bundle}/shim.pid`, `${forked.pid}`, 0o600);
      announce(bundle, address);
      confirm(ours);
    } catch (error) {
      // Nobody will ever speak to it.
      syscall(NR.pidfd_send_signal, forked.pidfd, SIGNAL.KILL, null, 0);
      removeFile(path);
      throw error;
    }
    return 0;
  }
  announce(bundle, address);
  return 0;
}

function announce(bundle: string, address: string): void {
  writeFileAtomic(`${bundle}/address`, address, 0o600);
  writeSync(1, utf8Encode(address));
}

/** A caller may give us none: then what we open ourselves would get their numbers, and be taken for them. */
function fillStandardDescriptors(): void {
  let fd = open('/dev/null', O.RDWR);
  while (fd <= 2) fd = open('/dev/null', O.RDWR);
  close(fd);
}

/** In the forked server: a session of its own, and nothing left open that `start`'s caller waits for. */
function detach(): void {
  resetAfterFork();
  check(syscall(NR.setsid), 'start a session');
  const nothing = open('/dev/null', O.RDWR);
  for (const fd of [0, 1, 2]) moveTo(nothing, fd);
  close(nothing);
}
