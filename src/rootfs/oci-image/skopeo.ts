import { getenviron } from 'std';
import { KataError } from '../../errors/kata-error.ts';
import { close, pipe } from '../../os/fd.ts';
import { type ChildProcess, type SpawnOptions, spawn } from '../../os/process.ts';
import { readOutput } from '../../os/read-output.ts';
import { SIGNAL } from '../../os/signal.ts';
import { explainSkopeo } from './explain-skopeo.ts';
import type { ImageReference } from './reference.ts';

const MAX_STDERR_BYTES = 64 * 1024;
/** What skopeo goes by: proxies, certificates, logins, where it keeps temporary files. */
const PASSED_ON =
  /^(HOME|TMPDIR|XDG_RUNTIME_DIR|REGISTRY_AUTH_FILE|SSL_CERT_(FILE|DIR)|DOCKER_CONFIG|CONTAINERS_.*|(HTTPS?|NO|ALL)_PROXY)$/i;

/** Copies an image into a new layout `layout`, its blobs into `blobs`. Its progress goes to `progressFd`, if given. */
export async function copyImage(
  reference: ImageReference,
  layout: string,
  blobs: string,
  progressFd?: number,
): Promise<void> {
  const [stderrRead, stderrWrite] = pipe();
  const environment = Object.entries(getenviron())
    .filter(([name]) => PASSED_ON.test(name))
    .map(([name, value]) => `${name}=${value}`);
  try {
    const child = startSkopeo(
      [
        ...['skopeo', 'copy', '--remove-signatures', '--dest-shared-blob-dir', blobs],
        ...[reference.source, `oci:${layout}:image`],
      ],
      stderrWrite,
      {
        env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...environment],
        fds: new Map([[2, stderrWrite], ...(progressFd === undefined ? [] : [[1, progressFd] as const])]),
        parentDeathSignal: SIGNAL.TERM,
      },
    );
    const [stderr, status] = await Promise.all([readOutput(stderrRead, MAX_STDERR_BYTES), child.wait()]);
    if (status.code !== 0) throw explainSkopeo(stderr, reference, status);
  } finally {
    close(stderrRead);
  }
}

/** Starts skopeo; our copy of its standard error is closed then, so that its end is seen. */
function startSkopeo(argv: readonly string[], stderrWrite: number, options: SpawnOptions): ChildProcess {
  try {
    return spawn(argv, options);
  } catch (error) {
    const { code, errno } = KataError.from(error);
    if (code !== 'not-found') throw error;
    throw new KataError('not-found', 'skopeo is needed to fetch images, it is not installed', {
      hint: 'apt install skopeo',
      errno,
      cause: error,
    });
  } finally {
    close(stderrWrite);
  }
}
