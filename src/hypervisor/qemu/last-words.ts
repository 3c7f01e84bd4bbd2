/** What is known of a VM that ended although it was wanted. */
export interface LastWordsFacts {
  /** How its process ended: `QEMU was ended by signal 9`. */
  happened: string;
  /** Why the guest ended, in QEMU's word; empty when it was not the guest. */
  reason: string;
  /** What QEMU wrote to its standard error. */
  stderr: readonly string[];
  /** The last lines of the guest's console. */
  console: readonly string[];
}

const PANIC = /Kernel panic - not syncing: .*/;

/** One line for a person: how the VM ended, and what QEMU and the guest said last. */
export function lastWords({ happened, reason, stderr, console: lines }: LastWordsFacts): string {
  const parts = [reason === '' ? happened : `${happened} (${reason})`];
  const said = stderr.at(-1);
  if (said !== undefined) parts.push(`QEMU said: ${said}`);
  // Behind a panic comes a list of addresses.
  const panic = lines.findLast((line) => PANIC.test(line));
  const line = panic === undefined ? lines.at(-1) : PANIC.exec(panic)![0];
  parts.push(line === undefined ? "the guest's console is empty" : `the guest said last: ${line}`);
  return parts.join('; ');
}
