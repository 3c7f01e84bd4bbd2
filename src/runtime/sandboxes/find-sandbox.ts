import { matchSandbox } from './match-sandbox.ts';
import { readSandboxes, type Sandbox } from './read-sandboxes.ts';

/** The sandbox that a person means (`matchSandbox`). */
export function findSandbox(reference: string): Sandbox {
  return matchSandbox(reference, readSandboxes());
}
