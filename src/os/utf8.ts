import * as sys from 'sys';

/** The UTF-8 bytes of `text`. */
export function utf8Encode(text: string): Uint8Array {
  return new Uint8Array(sys.utf8Encode(text));
}

/** The text of UTF-8 bytes; a malformed one becomes U+FFFD. */
export function utf8Decode(bytes: Uint8Array): string {
  return sys.utf8Decode(bytes);
}
