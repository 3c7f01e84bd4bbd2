import { spawn } from 'node:child_process';

const TIMEOUT_MS = 60_000;
/** How long the last words of a program that ended are waited for: a container left behind may hold its output open. */
const LAST_WORDS_MS = 50;

export interface Executed {
  stdout: string;
  stderr: string;
  /** From just before the program is started until its end is known. */
  tookMs: number;
}

/**
 * Runs a program to its end while others run; rejects when it fails. Unlike `timed`, many may be under way at once.
 * One that takes longer than `timeoutMs` (default: a minute) is killed.
 */
export function execute(argv: readonly string[], { timeoutMs = TIMEOUT_MS } = {}): Promise<Executed> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(argv[0] ?? '', argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].on('data', (chunk) => {
        said[name] += chunk;
      });
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    child.once('error', reject);
    child.once('exit', (status, signal) => {
      const tookMs = performance.now() - start;
      clearTimeout(timer);
      const conclude = () => {
        clearTimeout(patience);
        child.stdout.destroy();
        child.stderr.destroy();
        if (status === 0) resolve({ ...said, tookMs });
        else reject(new Error(`${argv.join(' ')} ended with ${signal ?? status}: ${lastLines(said.stderr)}`));
      };
      const patience = setTimeout(conclude, LAST_WORDS_MS);
      child.once('close', conclude);
    });
  });
}

const lastLines = (text: string): string => text.trimEnd().split('\n').slice(-3).join('; ');
