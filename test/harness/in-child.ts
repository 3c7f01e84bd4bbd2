import { KataError } from '../../src/errors/kata-error.ts';
import { close, pipe, writeSync } from '../../src/os/fd.ts';
import { readToEnd } from '../../src/os/file.ts';
import { exitNow, fork, waitSync } from '../../src/os/process.ts';
import { utf8Decode, utf8Encode } from '../../src/os/utf8.ts';

/**
 * For tests: what `body` answers in a forked child, which may unshare and mount as it likes and is gone afterwards.
 * What it throws is thrown here.
 */
export function inChild(body: () => string): string {
  const [reader, writer] = pipe();
  const forked = fork();
  if (forked === null) {
    let answer: [string, string];
    try {
      answer = ['ok', body()];
    } catch (error) {
      answer = ['failed', `${KataError.from(error).message}\n${error instanceof Error ? error.stack : ''}`];
    }
    writeSync(writer, utf8Encode(JSON.stringify(answer)));
    exitNow(0);
  }
  close(writer);
  const text = utf8Decode(readToEnd(reader));
  close(reader);
  waitSync(forked);
  const [outcome, answer] = text === '' ? ['failed', 'the child ended without a word'] : JSON.parse(text);
  if (outcome !== 'ok') throw new KataError('internal', `in the child: ${answer}`);
  return answer;
}
