import { KataError } from '../../errors/kata-error.ts';
import { close } from '../../os/fd.ts';
import { receiveWithFds, sendWithFds } from '../../os/fd-passing.ts';
import { connectUnixFd } from '../../os/socket.ts';
import { withTimeout } from '../../os/timer.ts';
import { utf8Decode, utf8Encode } from '../../os/utf8.ts';

/** A message is one line of JSON, and is sent in one piece with its descriptors. */
const MAX_BYTES = 256 * 1024;

export async function sendMessage(fd: number, message: object, fds: readonly number[] = []): Promise<void> {
  await sendWithFds(fd, utf8Encode(`${JSON.stringify(message)}\n`), fds);
}

/** The next message of a peer, with its descriptors, which are the caller's; null when it hung up. */
export async function receiveMessage(fd: number): Promise<{ message: unknown; fds: number[] } | null> {
  let text = '';
  const fds: number[] = [];
  for (;;) {
    const part = await receiveWithFds(fd, MAX_BYTES);
    if (part === null) {
      for (const each of fds) close(each);
      return null;
    }
    fds.push(...part.fds);
    text += utf8Decode(part.data);
    if (text.endsWith('\n')) return { message: JSON.parse(text), fds };
    if (text.length > MAX_BYTES)
      throw new KataError('invalid-argument', `a message of at most ${MAX_BYTES} bytes is expected`);
  }
}

/** Asks whoever listens at `path`; the answer. `unavailable` when it hangs up without one. */
export async function ask(path: string, request: object, fds: readonly number[], timeoutMs: number): Promise<unknown> {
  const fd = await connectUnixFd(path);
  try {
    return await askOver(fd, request, fds, timeoutMs);
  } finally {
    close(fd);
  }
}

/** The same over a connection that is there, and stays. */
export async function askOver(
  fd: number,
  request: object,
  fds: readonly number[],
  timeoutMs: number,
): Promise<unknown> {
  await sendMessage(fd, request, fds);
  const late = `the pool is expected to answer within ${timeoutMs} ms, it did not`;
  const answer = await withTimeout(receiveMessage(fd), timeoutMs, late);
  if (answer === null) throw new KataError('unavailable', 'the pool is expected to answer, it hung up');
  return answer.message;
}
