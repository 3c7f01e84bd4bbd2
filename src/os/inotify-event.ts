import { utf8Decode } from './utf8.ts';

/** One event of inotify(7). */
export interface InotifyEvent {
  /** The number that `add` gave. */
  watch: number;
  /** `IN` bits: what happened. */
  mask: number;
  /** Ties MOVED_FROM to its MOVED_TO; 0 otherwise. */
  cookie: number;
  /** The name in the watched folder; empty when the watched file itself is meant. */
  name: string;
}

/** struct inotify_event: watch, mask, cookie, length of the name with its NULs; then the name. */
const HEADER = 16;

/** The events of one read(2); the kernel gives whole ones only. */
export function decodeInotifyEvents(bytes: Uint8Array): InotifyEvent[] {
  const fields = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const events: InotifyEvent[] = [];
  for (let at = 0; at + HEADER <= bytes.length; ) {
    const length = fields.getUint32(at + 12, true);
    const name = bytes.subarray(at + HEADER, at + HEADER + length);
    const end = name.indexOf(0);
    events.push({
      watch: fields.getInt32(at, true),
      mask: fields.getUint32(at + 4, true),
      cookie: fields.getUint32(at + 8, true),
      name: utf8Decode(end < 0 ? name : name.subarray(0, end)),
    });
    at += HEADER + length;
  }
  return events;
}
