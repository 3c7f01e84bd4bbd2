import { utf8Decode } from '../../os/utf8.ts';

const MAX_LINE_BYTES = 1024;
const LINE_FEED = 0x0a;

/**
 * What could drive a terminal or reorder a line: C0 and C1 controls, and Unicode's marks that turn or break text. A
 * tab is harmless. The guest writes the console, so nothing of it reaches a log as it is.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is what this is for
const UNSAFE = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** `text` with every unsafe character as `\x1b` or `\u202e`. */
export function escapeControls(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const code = character.charCodeAt(0);
    return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`;
  });
}

/** The last lines of the guest's console, in bounded memory whatever the guest prints. */
export class ConsoleRing {
  readonly #maxLines: number;
  readonly #onLine: ((line: string) => void) | undefined;
  #lines: string[] = [];
  readonly #partial = new Uint8Array(MAX_LINE_BYTES);
  #partialLength = 0;
  #cut = false;

  constructor(maxLines = 200, onLine?: (line: string) => void) {
    this.#maxLines = maxLines;
    this.#onLine = onLine;
  }

  push(bytes: Uint8Array): void {
    for (let start = 0; start < bytes.length; ) {
      const feed = bytes.indexOf(LINE_FEED, start);
      const end = feed < 0 ? bytes.length : feed;
      this.#append(bytes.subarray(start, end));
      if (feed < 0) return;
      this.#endLine();
      start = feed + 1;
    }
  }

  #append(piece: Uint8Array): void {
    const room = MAX_LINE_BYTES - this.#partialLength;
    this.#partial.set(piece.subarray(0, room), this.#partialLength);
    this.#partialLength += Math.min(room, piece.length);
    if (piece.length > room) this.#cut = true;
  }

  #endLine(): void {
    const line = this.#text();
    this.#partialLength = 0;
    this.#cut = false;
    if (line === '') return;
    this.#lines.push(line);
    // Cut back only now and then, so that a chatty guest does not cost a move of all lines for each of its own.
    if (this.#lines.length >= 2 * this.#maxLines) this.#lines = this.#lines.slice(-this.#maxLines);
    this.#onLine?.(line);
  }

  #text(): string {
    const text = utf8Decode(this.#partial.subarray(0, this.#partialLength)).replace(/\r+$/, '');
    return escapeControls(text) + (this.#cut ? '…' : '');
  }

  /** The last lines, oldest first, with the one that has not ended yet. */
  lines(count: number = this.#maxLines): string[] {
    const partial = this.#text();
    const all = partial === '' ? this.#lines : [...this.#lines, partial];
    return all.slice(-Math.min(count, this.#maxLines));
  }
}
