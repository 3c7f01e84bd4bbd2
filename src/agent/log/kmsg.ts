import { syscall } from 'sys';
import { O, open } from '../../os/fd.ts';
import { writeControl } from '../../os/file.ts';
import { utf8Encode } from '../../os/utf8.ts';
import { NR } from '../../syscall/numbers.ts';
import type { LogSink } from './log.ts';
import { isWanted, kmsgPriority, type LogLevel } from './log-level.ts';

/** Everything of the kernel's ring goes to the console at this number (`/proc/sys/kernel/printk`). */
const CONSOLE_ALL = '8';

/**
 * The kernel's log as a sink: a line costs a write to memory, and its level decides whether the slow serial console
 * shows it. With `quiet` on the kernel's command line that is a warning and worse; asked for debug, it is everything.
 * Needs `/dev` and `/proc`.
 */
export function openKernelLog(limit: LogLevel): LogSink {
  const fd = open('/dev/kmsg', O.WRONLY);
  // Else the kernel drops lines when many come at once.
  writeControl('/proc/sys/kernel/printk_devkmsg', 'on\n');
  if (isWanted('debug', limit)) writeControl('/proc/sys/kernel/printk', CONSOLE_ALL);
  return (level, line) => {
    const bytes = utf8Encode(`<${kmsgPriority(level)}>${line}\n`);
    // A line that the kernel doesn't take is lost: there is no other place to tell of it.
    syscall(NR.write, fd, bytes, bytes.length);
  };
}
