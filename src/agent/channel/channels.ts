import { KataError } from '../../errors/kata-error.ts';
import { listDirectoryIfExists } from '../../os/directory.ts';
import { readTextIfExists } from '../../os/file.ts';
import { listenUnix, listenVsock, peerCid, VMADDR_CID_HOST } from '../../os/socket.ts';
import type { TtrpcServer } from '../../ttrpc/server.ts';
import type { AgentParameters } from '../boot/kernel-command-line.ts';
import { log } from '../log/log.ts';
import { serveListener } from './serve-listener.ts';
import { servePort } from './serve-port.ts';
import { AGENT_PORT, openVirtioPort } from './virtio-port.ts';

const VIRTIO_DEVICES = '/sys/bus/virtio/devices';
/** The device id of vsock (virtio 1.2, 5.10). */
const VIRTIO_ID_VSOCK = 0x0013;

/** Whether this VM has a vsock device; its driver need not be loaded. */
function hasVsockDevice(): boolean {
  return listDirectoryIfExists(VIRTIO_DEVICES).some(
    (name) => Number(readTextIfExists(`${VIRTIO_DEVICES}/${name}/device`)) === VIRTIO_ID_VSOCK,
  );
}

/**
 * Throws unless the host is at the other end. Unlike Kata: there a process of the guest that gets a vsock past its seccomp
 * filter, or another guest where the VMM joins them, is the agent's master.
 */
function fromHost(fd: number): void {
  const cid = peerCid(fd);
  if (cid === VMADDR_CID_HOST) return;
  throw new KataError(
    'permission-denied',
    `the host, CID ${VMADDR_CID_HOST}, is expected at the other end, found CID ${cid}`,
  );
}

/**
 * Serves each channel that this VM has: the virtio-serial port, vsock, or the unix socket that was asked for. Returns
 * what is served; none is an error, since nobody could ever reach this agent.
 * @param loadVsock loads vsock's driver, which is a module
 */
export function serveChannels(
  server: TtrpcServer,
  address: AgentParameters['server'],
  loadVsock: () => void,
): string[] {
  if ('unixPath' in address) {
    serveListener(server, listenUnix(address.unixPath), `unix://${address.unixPath}`);
    return [`unix://${address.unixPath}`];
  }
  const served: string[] = [];
  const port = openVirtioPort(AGENT_PORT);
  if (port !== null) {
    served.push(AGENT_PORT);
    servePort(server, port, AGENT_PORT);
  }
  if (hasVsockDevice()) {
    loadVsock();
    const name = `vsock:${address.vsockPort}`;
    served.push(name);
    serveListener(server, listenVsock(address.vsockPort), name, fromHost);
  }
  if (served.length === 0)
    throw new KataError('unavailable', `neither a virtio-serial port ${AGENT_PORT} nor a vsock device is in this VM`, {
      hint: 'start the VM with one of them',
    });
  log.info('serving', { channels: served.join(' ') });
  return served;
}
