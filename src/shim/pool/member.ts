import { getenviron, setenv, unsetenv } from 'std';
import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { check } from '../../os/errno.ts';
import { close, setCloseOnExec, setNonBlocking } from '../../os/fd.ts';
import { exitNow } from '../../os/process.ts';
import { Listener } from '../../os/socket.ts';
import { type WarmGuest, warmGuest } from '../../sandbox/warm-guest.ts';
import { NR } from '../../syscall/numbers.ts';
import { readConfig } from '../options.ts';
import { serve } from '../server.ts';
import { receiveMessage, sendMessage } from './exchange.ts';
import type { Claim } from './protocol.ts';

/** Where a member finds its socket to the pool. */
export const CONTROL_FD = 3;

/** What a member tells the pool. */
export type MemberNews = { ready: true } | { failed: string };

/**
 * A shim that has its VM before it knows for whom: it warms one up, waits for a container's start, and is that
 * container's shim from then on. The pool's end, or the VM's, is its own.
 */
export async function poolMember(configPath: string): Promise<number> {
  setCloseOnExec(CONTROL_FD, true);
  setNonBlocking(CONTROL_FD);
  let isWarming = true;
  const claim = receiveMessage(CONTROL_FD).catch(() => null);
  // QEMU goes with us. Nobody is to wait until the guest is warm, or does not become so.
  void claim.then(() => {
    if (isWarming) exitNow(1);
  });
  try {
    const { config } = readConfig(configPath);
    const warm = await warmGuest(config);
    isWarming = false;
    await sendMessage(CONTROL_FD, { ready: true });
    return await waitForClaim(warm, claim);
  } catch (error) {
    await sendMessage(CONTROL_FD, { failed: KataError.from(error).line }).catch(() => {});
    return 1;
  }
}

async function waitForClaim(warm: WarmGuest, claim: ReturnType<typeof receiveMessage>): Promise<number> {
  let claimed = false;
  void warm.machine.exited.then(() => {
    if (!claimed) exitNow(1);
  });
  const received = await claim;
  const [listenerFd, answerFd] = received?.fds ?? [];
  if (received === null || listenerFd === undefined || answerFd === undefined) {
    await warm.machine.stop();
    return 0;
  }
  claimed = true;
  const asked = received.message as Claim;
  close(CONTROL_FD);
  becomeShim(asked);
  // Whoever asked may have given up: then it does not confirm either, and the VM goes with us.
  await sendMessage(answerFd, { pid: syscall(NR.getpid) }).catch(() => {});
  const { flags, bundle, socketPath, timeline } = asked;
  const listener = new Listener(listenerFd);
  return serve({ flags, bundle, socketPath, timeline, listener, confirmation: answerFd, warm });
}

/** The environment, folder and session that a shim forked by its own start would have. */
function becomeShim({ environment, bundle }: Claim): void {
  for (const name of Object.keys(getenviron())) unsetenv(name);
  for (const [name, value] of Object.entries(environment)) setenv(name, value);
  check(syscall(NR.chdir, bundle), `enter ${bundle}`);
}
