import { makeDirectories, makeDirectory } from '../../os/directory.ts';
import { writeFile } from '../../os/file.ts';
import { RESOLV_CONF, SANDBOX_FOLDER } from './guest-paths.ts';

/** Writes the pod's resolver configuration, line by line as the host has it, and makes it the guest's own too. */
export function setUpDns(lines: readonly string[]): void {
  if (lines.length === 0) return;
  const text = lines.map((line) => `${line}\n`).join('');
  makeDirectories(SANDBOX_FOLDER);
  writeFile(RESOLV_CONF, text);
  makeDirectory('/etc');
  writeFile('/etc/resolv.conf', text);
}
