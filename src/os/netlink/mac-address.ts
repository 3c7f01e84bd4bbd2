import { KataError } from '../../errors/kata-error.ts';

/** The six bytes of `02:42:ac:11:00:02`. */
export function parseMac(text: string): Uint8Array {
  if (!/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/.test(text))
    throw new KataError(
      'invalid-argument',
      `a MAC address is expected, 02:42:ac:11:00:02, found ${JSON.stringify(text)}`,
    );
  return Uint8Array.from(text.split(':'), (byte) => Number.parseInt(byte, 16));
}

/** `02:42:ac:11:00:02`, lower case; hardware addresses of other lengths as well. */
export function formatMac(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}
