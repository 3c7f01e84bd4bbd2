import type { TtrpcServer } from '../../ttrpc/server.ts';
import { log } from '../log/log.ts';
import { PortSession } from './port-session.ts';

/** Serves a virtio-serial port for good: one session after the other, as the host comes and goes. */
export async function servePort(server: TtrpcServer, fd: number, name: string): Promise<never> {
  for (;;) {
    const failure = await server.serve(new PortSession(fd), name);
    if (failure === undefined) log.info('the host left the agent port', { name });
    else log.warn('a session of the agent port ended with an error', { name, error: failure });
  }
}
