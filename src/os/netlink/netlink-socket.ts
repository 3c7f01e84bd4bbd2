import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { NR } from '../../syscall/numbers.ts';
import { concatenate } from '../bytes.ts';
import { check, ERRNO, systemError } from '../errno.ts';
import { close, O } from '../fd.ts';
import { readable } from '../loop.ts';
import { decodeMessages, decodeOutcome, encodeMessage, type Message, NLM_F, NLMSG, type Request } from './message.ts';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const MSG_TRUNC = 0x20;
/** No message of the kernel's listings is larger. */
const BUFFER_SIZE = 65536;
/** As many answers as fit into the socket's receive buffer at once, with much room to spare. */
const BATCH = 64;
/** A listing that changed while it was read is read again, not forever. */
const MAX_ATTEMPTS = 8;

/** Families of netlink (`linux/netlink.h`). */
export const NETLINK = { ROUTE: 0, NETFILTER: 12, GENERIC: 16 } as const;

/**
 * A netlink socket (netlink(7)): requests with their answers. It belongs to the network namespace in which it was
 * opened, wherever the process goes. Requests are done one after the other, in the order in which they were called.
 */
export class NetlinkSocket {
  readonly #fd: number;
  readonly #buffer = new Uint8Array(BUFFER_SIZE);
  #sequence = 0;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Opens a socket, at once, so that it can be done inside a namespace (`inNamespace`). */
  static open(protocol: number = NETLINK.ROUTE): NetlinkSocket {
    const type = SOCK_RAW | O.NONBLOCK | O.CLOEXEC;
    const fd = check(syscall(NR.socket, AF_NETLINK, type, protocol), 'create a netlink socket');
    try {
      const on = new Int32Array([1]);
      for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK])
        check(syscall(NR.setsockopt, fd, SOL_NETLINK, option, on, 4), 'set up a netlink socket');
      return new NetlinkSocket(fd);
    } catch (error) {
      close(fd);
      throw error;
    }
  }

  close(): void {
    close(this.#fd);
  }

  /** Everything that a listing gives (NLM_F_DUMP); `ofType` is the type of its messages. */
  dump(request: Request, ofType: number): Promise<Message[]> {
    return this.#inTurn(async () => {
      for (let attempt = 1; ; attempt++) {
        const sequence = this.#next();
        this.#send([
          encodeMessage(request.type, request.flags | NLM_F.REQUEST | NLM_F.DUMP, sequence, request.payload),
        ]);
        const messages = await this.#gather(request, sequence);
        const interrupted = messages.some(({ flags }) => (flags & NLM_F.DUMP_INTR) !== 0);
        if (!interrupted) return messages.filter(({ type }) => type === ofType);
        if (attempt === MAX_ATTEMPTS)
          throw new KataError('aborted', `${request.what}: it changed ${attempt} times while it was read`);
      }
    });
  }

  /** One object by its key: the message that answers, before the acknowledgement. */
  get(request: Request): Promise<Message> {
    return this.#inTurn(async () => {
      const sequence = this.#next();
      this.#send([encodeMessage(request.type, request.flags | NLM_F.REQUEST | NLM_F.ACK, sequence, request.payload)]);
      const [answer] = await this.#gather(request, sequence);
      if (answer === undefined) throw new KataError('internal', `${request.what}: an answer is expected, found none`);
      return answer;
    });
  }

  /**
   * Sends changes together and gathers what became of each, null for success; one that fails keeps none from being
   * tried.
   */
  batch(requests: readonly Request[]): Promise<(KataError | null)[]> {
    return this.#inTurn(async () => {
      const outcomes: (KataError | null)[] = [];
      for (let from = 0; from < requests.length; from += BATCH) {
        const some = requests.slice(from, from + BATCH).map((request) => ({ request, sequence: this.#next() }));
        this.#send(
          some.map(({ request: { type, flags, payload }, sequence }) =>
            encodeMessage(type, flags | NLM_F.REQUEST | NLM_F.ACK, sequence, payload),
          ),
        );
        for (const { request, sequence } of some) outcomes.push(await this.#outcome(request, sequence));
      }
      return outcomes;
    });
  }

  /** Makes changes together; the first failure is thrown after all were tried. */
  async apply(...requests: Request[]): Promise<void> {
    const failure = (await this.batch(requests)).find((outcome) => outcome !== null);
    if (failure !== undefined) throw failure;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }

  #next(): number {
    this.#sequence = (this.#sequence % 0xffffffff) + 1;
    return this.#sequence;
  }

  #send(messages: Uint8Array[]): void {
    const datagram = concatenate(messages);
    check(syscall(NR.sendto, this.#fd, datagram, datagram.length, 0, null, 0), 'send a netlink request');
  }

  async #outcome(request: Request, sequence: number): Promise<KataError | null> {
    try {
      await this.#gather(request, sequence);
      return null;
    } catch (error) {
      if (error instanceof KataError && error.code !== 'cancelled') return error;
      throw error;
    }
  }

  /** Messages that were received and not yet looked at. */
  #received: Message[] = [];

  /** The messages that answer a request, up to its end; the kernel's no is thrown. */
  async #gather(request: Request, sequence: number): Promise<Message[]> {
    const answers: Message[] = [];
    for (;;) {
      const message = this.#received.shift();
      if (message === undefined) {
        this.#received = await this.#receive();
        continue;
      }
      // What is left of an earlier request that was given up.
      if (message.sequence !== sequence) continue;
      if (message.type === NLMSG.ERROR || message.type === NLMSG.DONE) {
        const { errno, said } = decodeOutcome(message);
        if (errno === 0) return answers;
        throw systemError(-errno, said === undefined ? request.what : `${request.what}: the kernel says "${said}"`);
      }
      if (message.type !== NLMSG.NOOP) answers.push(message);
    }
  }

  async #receive(): Promise<Message[]> {
    for (;;) {
      const sender = new Uint32Array(3);
      const length = syscall(
        NR.recvfrom,
        this.#fd,
        this.#buffer,
        BUFFER_SIZE,
        MSG_TRUNC,
        sender,
        new Uint32Array([12]),
      );
      if (length === -ERRNO.EAGAIN) {
        await readable(this.#fd);
        continue;
      }
      if (length === -ERRNO.EINTR) continue;
      check(length, 'receive a netlink answer');
      if (length > BUFFER_SIZE)
        throw new KataError(
          'data-loss',
          `a netlink answer of at most ${BUFFER_SIZE} bytes is expected, found ${length}`,
        );
      // Only the kernel answers; another process with the right to may send to any port.
      if (sender[1] === 0) return decodeMessages(this.#buffer.slice(0, length));
    }
  }
}
