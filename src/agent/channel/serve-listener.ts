import type { Listener } from '../../os/socket.ts';
import { sleep } from '../../os/timer.ts';
import type { TtrpcServer } from '../../ttrpc/server.ts';
import { log } from '../log/log.ts';

/** A failing accept (no descriptors left) is tried again after this. */
const RETRY_MS = 100;

/** Serves every connection of a listener, each on its own, for good. */
export async function serveListener(server: TtrpcServer, listener: Listener, name: string): Promise<never> {
  for (;;) {
    try {
      const stream = await listener.accept();
      server.serve(stream, name).then((failure) => {
        if (failure !== undefined) log.warn('a connection ended with an error', { name, error: failure });
      });
    } catch (error) {
      log.error('cannot accept a connection', { name, error });
      await sleep(RETRY_MS);
    }
  }
}
