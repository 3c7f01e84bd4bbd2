import { KataError } from '../../errors/kata-error.ts';
import { close } from '../../os/fd.ts';
import { FdStream } from '../../os/fd-stream.ts';
import { listenLoopback, localPort } from '../../os/loopback.ts';
import { inNamespace, namespaceIdentity, namespacePath } from '../../os/namespace.ts';
import type { Listener } from '../../os/socket.ts';
import { takeLoopbackConnections } from '../../os/socket-lookup.ts';
import type { AgentClient } from '../agent-client.ts';
import type { SandboxLog } from '../sandbox-log.ts';

/** One answer stays well below ttrpc's 4 MiB. */
const READ_BYTES = 1 << 18;

/**
 * Brings connections to 127.0.0.1 of a pod's network namespace on the host to 127.0.0.1 in the guest: kubelet's port-forward
 * connects there, where of a pod in a VM nobody listens.
 *
 * Unlike Kata, whose port-forward fails.
 */
export class PortForward {
  readonly #client: AgentClient;
  readonly #log: SandboxLog;
  readonly #listener: Listener;
  readonly #link: number;

  private constructor(client: AgentClient, log: SandboxLog, listener: Listener, link: number) {
    this.#client = client;
    this.#log = log;
    this.#listener = listener;
    this.#link = link;
  }

  /** Null, with one line of log, where the host's kernel cannot, and in the host's own namespace, whose ports are its own. */
  static open(namespace: string, client: AgentClient, log: SandboxLog): PortForward | null {
    if (namespaceIdentity(namespace) === namespaceIdentity(namespacePath('net'))) return null;
    let listener: Listener | undefined;
    try {
      listener = inNamespace(namespace, 'net', listenLoopback);
      const link = takeLoopbackConnections(namespace, listener.fd);
      const forward = new PortForward(client, log, listener, link);
      void forward.#accept();
      return forward;
    } catch (error) {
      listener?.close();
      log.warning(`port-forward does not reach the guest: ${KataError.from(error).line}`);
      return null;
    }
  }

  /** Takes no more connections. Idempotent. */
  close(): void {
    close(this.#link);
    this.#listener.close();
  }

  async #accept(): Promise<void> {
    try {
      for (;;) {
        const fd = await this.#listener.acceptFd();
        void this.#carry(fd, localPort(fd));
      }
    } catch (error) {
      if (KataError.from(error).code !== 'cancelled')
        this.#log.warning(`port-forward ends: ${KataError.from(error).line}`);
    }
  }

  async #carry(fd: number, port: number): Promise<void> {
    const stream = new FdStream(fd);
    const { extension } = this.#client;
    let connection = 0;
    try {
      ({ connection } = await extension.connect({ port }));
      await Promise.all([this.#send(stream, connection), this.#receive(stream, connection)]);
    } catch (error) {
      this.#log.debug(`a connection to port ${port}: ${KataError.from(error).line}`);
    } finally {
      stream.close();
      if (connection !== 0) await extension.endConnection({ connection, whole: true }).catch(() => {});
    }
  }

  async #send(stream: FdStream, connection: number): Promise<void> {
    for (let data = await stream.read(READ_BYTES); data !== null; data = await stream.read(READ_BYTES))
      await this.#client.extension.writeConnection({ connection, data });
    await this.#client.extension.endConnection({ connection, whole: false });
  }

  async #receive(stream: FdStream, connection: number): Promise<void> {
    for (;;) {
      const { data } = await this.#client.extension.readConnection({ connection });
      if (data.length === 0) break;
      await stream.write(data);
    }
    stream.closeWrite();
  }
}
