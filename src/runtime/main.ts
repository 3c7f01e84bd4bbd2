import { writeSync } from '../os/fd.ts';
import { utf8Encode } from '../os/utf8.ts';
import { VERSION } from '../version.ts';

/** kata-runtime: its exit status. */
export async function runtimeMain(_argv: readonly string[]): Promise<number> {
  writeSync(1, utf8Encode(`kata-runtime ${VERSION}\n`));
  return 0;
}
