import { close } from '../../os/fd.ts';
import { FdStream } from '../../os/fd-stream.ts';
import type { Listener } from '../../os/socket.ts';
import { sleep } from '../../os/timer.ts';
import type { TtrpcServer } from '../../ttrpc/server.ts';
import { log } from '../log/log.ts';

/** A failing accept (no descriptors left) is tried again after this. */
const RETRY_MS = 100;

/**
 * Serves every connection of a listener, each on its own, for good.
 * @param admit Throws for a connection that is not to be served
 */
export async function serveListener(
  server: TtrpcServer,
  listener: Listener,
  name: string,
  admit: (fd: number) => void = () => {},
): Promise<never> {
  let refused = 0;
  for (;;) {
    try {
      const fd = await listener.acceptFd();
      try {
        admit(fd);
      } catch (error) {
        close(fd);
        // Told once: who keeps trying shall not fill the log.
        if (refused++ === 0) log.warn('a connection was refused, and all like it will be', { name, error });
        continue;
      }
      server.serve(new FdStream(fd), name).then((failure) => {
        if (failure !== undefined) log.warn('a connection ended with an error', { name, error: failure });
      });
    } catch (error) {
      log.error('cannot accept a connection', { name, error });
      await sleep(RETRY_MS);
    }
  }
}
