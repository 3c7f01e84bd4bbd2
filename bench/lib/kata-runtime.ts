import { spawnSync } from 'node:child_process';
import path from 'node:path';

const TIMEOUT_MS = 60_000;

/** Runs a program to its end; what it printed, and how long it took as a caller sees it. */
export function timed(argv: readonly string[]): { stdout: string; stderr: string; tookMs: number } {
  const start = performance.now();
  const { status, stdout, stderr, error } = spawnSync(argv[0] ?? '', argv.slice(1), {
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const tookMs = performance.now() - start;
  if (status !== 0) throw new Error(`${argv.join(' ')} ended with ${status}: ${error?.message ?? stderr}`);
  return { stdout, stderr, tookMs };
}

/** kata-runtime of a folder like `dist`, with the configuration beside it. */
export function kataRuntime(dist: string, ...args: string[]): ReturnType<typeof timed> {
  return timed([path.join(dist, 'bin/kata-runtime'), ...args]);
}
