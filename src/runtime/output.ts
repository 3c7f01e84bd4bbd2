import { isErrno } from '../os/errno.ts';
import { writeSync } from '../os/fd.ts';
import { exitNow } from '../os/process.ts';
import { SIGNAL } from '../os/signal.ts';
import { utf8Encode } from '../os/utf8.ts';

/** Writes all of it to one of our own streams. When nobody reads there any longer, we end as `yes` does under `head`. */
export function put(fd: 1 | 2, bytes: Uint8Array): void {
  try {
    writeSync(fd, bytes);
  } catch (error) {
    if (!isErrno(error, 'EPIPE')) throw error;
    exitNow(128 + SIGNAL.PIPE);
  }
}

/** To standard output. */
export function print(text: string): void {
  put(1, utf8Encode(text));
}

/** To standard error; when nobody reads there, it is for nobody. */
export function tell(text: string): void {
  try {
    writeSync(2, utf8Encode(text));
  } catch (error) {
    if (!isErrno(error, 'EPIPE')) throw error;
  }
}

/** One line of trouble on standard error. */
export function complain(line: string): void {
  tell(`kata-runtime: ${line}\n`);
}
