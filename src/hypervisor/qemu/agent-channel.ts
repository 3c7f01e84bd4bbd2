import { KataError } from '../../errors/kata-error.ts';
import type { ByteStream } from '../../os/byte-stream.ts';
import { FdStream } from '../../os/fd-stream.ts';
import { connectVsock, socketPair } from '../../os/socket.ts';
import { sleep } from '../../os/timer.ts';
import type { QemuDescriptors } from './command-line.ts';
import { openVhostVsock } from './vhost-vsock.ts';

/** Where upstream's agent and ours listen. */
const AGENT_VSOCK_PORT = 1024;
const CONNECT_INTERVAL_MS = 10;

/** The way to the agent, as QEMU gets it and as we use it. */
export interface AgentChannel {
  /** QEMU's end: the caller's to close once QEMU has its copy. */
  readonly fd: number;
  /** What QEMU is told, when `fd` has this number there. */
  qemuEnd(number: number): QemuDescriptors['agent'];
  /** One sentence for the log. */
  readonly reason: string;
  /** The connection. `guestUp` settles when the guest has opened the virtio-serial port. */
  connect(guestUp: Promise<void>): Promise<ByteStream>;
  /** Ends our side, idempotent. */
  close(): void;
}

/** vsock where the host has it, else a virtio-serial port. */
export function openAgentChannel(device?: string): AgentChannel {
  const vsock = openVhostVsock(device);
  if (vsock !== null) return vsockChannel(vsock);
  return openSerialChannel('the agent is reached over virtio-serial, because there is no /dev/vhost-vsock');
}

/** One virtio-serial port. */
export function openSerialChannel(reason = 'the agent is reached over virtio-serial'): AgentChannel {
  const [ours, fd] = socketPair();
  const stream = new FdStream(ours);
  return {
    fd,
    reason,
    qemuEnd: (number) => ({ kind: 'serial', fd: number }),
    connect: (guestUp) => guestUp.then(() => stream),
    close: () => stream.close(),
  };
}

function vsockChannel({ cid, fd }: { cid: number; fd: number }): AgentChannel {
  let stream: ByteStream | undefined;
  let closed = false;
  return {
    fd,
    reason: `the agent is reached over vsock, the guest's address is ${cid}`,
    qemuEnd: (number) => ({ kind: 'vsock', vhostFd: number, cid }),
    async connect() {
      while (!closed) {
        try {
          const connected = await connectVsock(cid, AGENT_VSOCK_PORT);
          // The VM may have been stopped while the connection was being made.
          if (closed) connected.close();
          else stream = connected;
          return connected;
        } catch (error) {
          // Nobody listens yet, or the guest has no driver yet.
          if (!['ECONNRESET', 'ECONNREFUSED', 'ETIMEDOUT', 'ENODEV'].includes(KataError.from(error).errno ?? ''))
            throw error;
          await sleep(CONNECT_INTERVAL_MS);
        }
      }
      throw new KataError('cancelled', 'the VM was stopped');
    },
    close() {
      closed = true;
      stream?.close();
    },
  };
}
