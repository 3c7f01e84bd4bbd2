const NEWLINE = 10;

/** Where the last `count` lines of `bytes` begin. A last line without its end counts. */
export function lastLinesStart(bytes: Uint8Array, count: number): number {
  if (count === 0) return bytes.length;
  let found = 0;
  for (let at = bytes.length - 2; at >= 0; at--) if (bytes[at] === NEWLINE && ++found === count) return at + 1;
  return 0;
}
