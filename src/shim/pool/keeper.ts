import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { makeDirectories } from '../../os/directory.ts';
import { close } from '../../os/fd.ts';
import { readlink, removeFile, writeFile } from '../../os/file.ts';
import { type ChildProcess, spawn } from '../../os/process.ts';
import { ignoreSignal, SIGNAL, SignalReader } from '../../os/signal.ts';
import { type Listener, socketPair } from '../../os/socket.ts';
import { after } from '../../os/timer.ts';
import { NR } from '../../syscall/numbers.ts';
import { listenOnce } from '../listen-once.ts';
import { readConfig } from '../options.ts';
import { receiveMessage, sendMessage } from './exchange.ts';
import { CONTROL_FD, type MemberNews } from './member.ts';
import { type Claim, ownNamespaces, POOLS_FOLDER, type PoolRequest, type PoolStatus } from './protocol.ts';

/** A container that just got a VM has the processors first; the next one is for the next container. */
const REFILL_DELAY_MS = 300;
/** VMs that fail one after the other are made ever more seldom. */
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 60_000;

interface Member {
  process: ChildProcess;
  /** Our end of its socket; -1 once it was given away. */
  control: number;
  ready: boolean;
}

/** Keeps VMs waiting and gives each to one container's start. Ends the process's life when it is told to stop. */
export async function keepPool(configPath: string): Promise<number> {
  const { config } = readConfig(configPath);
  const { vmCacheEndpoint, vmCacheNumber } = config.factory;
  const listener = await listenOnce(vmCacheEndpoint, 0o700);
  if (listener === null) return 0;
  ignoreSignal(SIGNAL.PIPE);
  const marker = `${POOLS_FOLDER}/${syscall(NR.getpid)}`;
  makeDirectories(POOLS_FOLDER, 0o700);
  writeFile(marker, vmCacheEndpoint, 0o600);
  const pool = new Pool(configPath, vmCacheNumber);
  const signals = new SignalReader([SIGNAL.TERM, SIGNAL.INT]);
  void signals.next().then(() => pool.stop());
  void accept(listener, pool);
  pool.fill();
  await pool.stopped;
  listener.close();
  removeFile(vmCacheEndpoint);
  removeFile(marker);
  return 0;
}

async function accept(listener: Listener, pool: Pool): Promise<void> {
  for (;;) {
    const fd = await listener.acceptFd().catch(() => null);
    if (fd === null) return;
    void serveOne(fd, pool).finally(() => close(fd));
  }
}

async function serveOne(fd: number, pool: Pool): Promise<void> {
  const received = await receiveMessage(fd).catch(() => null);
  if (received === null) return;
  const request = received.message as PoolRequest;
  try {
    if (request.kind === 'claim') {
      const refused = await pool.give(request, received.fds, fd);
      if (refused !== null) await sendMessage(fd, { refused });
    } else {
      if (request.kind === 'stop') await pool.stop();
      await sendMessage(fd, pool.status);
    }
  } catch {
    // It hung up.
  } finally {
    for (const each of received.fds) close(each);
  }
}

class Pool {
  readonly stopped: Promise<void>;
  readonly #configPath: string;
  readonly #wanted: number;
  readonly #members = new Set<Member>();
  readonly #namespaces = ownNamespaces();
  #given = 0;
  #lastFailure = '';
  #failures = 0;
  #stopping = false;
  #settleStopped: () => void = () => {};
  #cancelRefill = (): void => {};

  constructor(configPath: string, wanted: number) {
    this.#configPath = configPath;
    this.#wanted = wanted;
    this.stopped = new Promise((resolve) => {
      this.#settleStopped = resolve;
    });
  }

  get status(): PoolStatus {
    const ready = [...this.#members].filter((member) => member.ready).length;
    const pid = syscall(NR.getpid);
    return { pid, ready, wanted: this.#wanted, given: this.#given, lastFailure: this.#lastFailure };
  }

  /** Starts one VM after the other until there are enough: together they would only be slower. */
  fill(): void {
    const waiting = [...this.#members];
    if (this.#stopping || waiting.length >= this.#wanted || waiting.some(({ ready }) => !ready)) return;
    const [control, theirs] = socketPair();
    const self = readlink('/proc/self/exe');
    const program = `${self.slice(0, self.lastIndexOf('/'))}/containerd-shim-kata-v2`;
    try {
      const process = spawn([program, 'pool-member', this.#configPath], {
        fds: new Map([[CONTROL_FD, theirs]]),
        newSession: true,
      });
      const member: Member = { process, control, ready: false };
      this.#members.add(member);
      void this.#hear(member);
      void process.wait().then(() => this.#ended(member));
    } catch (error) {
      close(control);
      this.#failed(KataError.from(error).line);
    } finally {
      close(theirs);
    }
  }

  async #hear(member: Member): Promise<void> {
    const received = await receiveMessage(member.control).catch(() => null);
    if (received === null) return;
    const news = received.message as MemberNews;
    if ('failed' in news) {
      this.#lastFailure = news.failed;
      return;
    }
    member.ready = true;
    this.#failures = 0;
    this.#lastFailure = '';
    this.fill();
  }

  /** A VM that is gone before it was given to somebody is replaced. */
  #ended(member: Member): void {
    if (!this.#members.delete(member)) return;
    close(member.control);
    if (this.#stopping) return;
    this.#failed(this.#lastFailure || 'a VM ended while it waited');
  }

  #failed(why: string): void {
    this.#lastFailure = why;
    const delayMs = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures++);
    this.#refillAfter(delayMs);
  }

  #refillAfter(delayMs: number): void {
    this.#cancelRefill();
    this.#cancelRefill = after(delayMs, () => this.fill());
  }

  /** Hands a VM that waits to a start, which hears from it on `answerFd`; why not, or null when it did. */
  async give({ namespaces, ...claim }: Claim, fds: readonly number[], answerFd: number): Promise<string | null> {
    if (namespaces !== this.#namespaces) return 'the pool is in other namespaces';
    for (const member of this.#members) {
      if (!member.ready) continue;
      // Before anything can be waited for: nobody else gets it.
      this.#members.delete(member);
      try {
        await sendMessage(member.control, claim, [...fds, answerFd]);
        this.#given++;
        this.#refillAfter(REFILL_DELAY_MS);
        return null;
      } catch {
        // It ended just now; the next one.
      } finally {
        close(member.control);
      }
    }
    return 'no VM waits';
  }

  /** Ends the VMs that wait: each ends itself when its pool hangs up. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#cancelRefill();
    const members = [...this.#members];
    for (const { control } of members) close(control);
    await Promise.all(members.map(({ process }) => process.wait()));
    after(0, () => this.#settleStopped());
  }
}
