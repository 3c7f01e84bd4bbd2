const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Base 64 for names of files and URLs, padded (RFC 4648, section 5). */
export function base64Url(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const [one = 0, two = 0, three = 0] = bytes.subarray(at, at + 3);
    const bits = (one << 16) | (two << 8) | three;
    const count = Math.min(3, bytes.length - at) + 1;
    for (let digit = 0; digit < 4; digit++) text += digit < count ? DIGITS[(bits >> (18 - 6 * digit)) & 63] : '=';
  }
  return text;
}
