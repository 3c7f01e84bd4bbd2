import { readTextIfExists, writeFile } from '../os/file.ts';

/** The task API knows an exit status alone: why a VM ended under its containers stands in the bundle. */
const file = (bundle: string): string => `${bundle}/vm-end`;

/** Keeps one line that says how the VM ended. */
export function saveVmEnd(bundle: string, why: string): void {
  writeFile(file(bundle), why, 0o600);
}

/** How the VM ended, if it did although its containers ran; null when it did not. */
export function readVmEnd(bundle: string): string | null {
  return readTextIfExists(file(bundle));
}
