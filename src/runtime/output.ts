import { writeSync } from '../os/fd.ts';
import { utf8Encode } from '../os/utf8.ts';

/** To standard output. */
export function print(text: string): void {
  writeSync(1, utf8Encode(text));
}

/** To standard error. */
export function tell(text: string): void {
  writeSync(2, utf8Encode(text));
}

/** One line of trouble on standard error. */
export function complain(line: string): void {
  tell(`kata-runtime: ${line}\n`);
}
