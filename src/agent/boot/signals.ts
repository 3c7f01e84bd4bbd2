import { ignoreSignal, SIGNAL, SignalReader } from '../../os/signal.ts';
import { powerOff } from './power-off.ts';
import { reapOrphans } from './reaper.ts';

/** What ends the guest: ctrl-alt-del comes as SIGINT. */
const ENDS = new Map<number, string>([
  [SIGNAL.TERM, 'SIGTERM'],
  [SIGNAL.INT, 'SIGINT or ctrl-alt-del'],
]);

/** Handles signals for good: children that end are reaped, a request to end powers the guest off. */
export async function handleSignals(): Promise<never> {
  ignoreSignal(SIGNAL.PIPE);
  const signals = new SignalReader([SIGNAL.CHLD, ...ENDS.keys()]);
  for (;;) {
    const signal = await signals.next();
    const reason = ENDS.get(signal);
    if (reason !== undefined) powerOff(reason);
    // Not awaited: it may have to wait for others, and the guest must be able to end meanwhile.
    reapOrphans();
  }
}
