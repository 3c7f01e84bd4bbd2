import { KataError } from '../../errors/kata-error.ts';
import { getWindowSize, isTty, makeRaw, type WindowSize } from '../../os/tty.ts';

/**
 * Refuses `-t` with an input that is no terminal (docker's rule): keys would not arrive one by one, and Ctrl-C would
 * not reach the container.
 */
export function requireTerminal(wanted: { stdin: boolean; terminal: boolean }): void {
  if (wanted.terminal && wanted.stdin && !isTty(0))
    throw new KataError('failed-precondition', 'the input device is not a TTY', {
      hint: 'leave out -t to pipe something in',
    });
}

/** The size of the user's window; null when there is none. */
export function userWindowSize(): WindowSize | null {
  for (const fd of [0, 1, 2]) {
    if (!isTty(fd)) continue;
    const size = getWindowSize(fd);
    if (size.columns > 0 && size.rows > 0) return size;
  }
  return null;
}

/** Passes every key on as it is until the result is called, which puts the user's terminal back, idempotent. */
export function passKeysOn(): () => void {
  let restore = isTty(0) ? makeRaw(0) : () => {};
  return () => {
    restore();
    restore = () => {};
  };
}
