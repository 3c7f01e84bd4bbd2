// A script that runs a program is ended: what it runs hears of it and ends too.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';

const LIMIT = { timeout: 20_000 };
const RUN = pathToFileURL(path.resolve('setup/run.mjs')).href;

/** A script that runs this in a shell, which must print `ready` and its pid; both of them, once it did. */
async function scriptRunning(shell: string): Promise<{ script: ChildProcess; pid: number; output: () => string }> {
  const source = `import { main, runVisibly } from ${JSON.stringify(RUN)};
    await main(async () => {
      try { return await runVisibly('sh', ['-c', ${JSON.stringify(shell)}]); } finally { console.log('cleared up'); }
    });`;
  const script = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  script.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  while (!/ready \d+\n/.test(output)) await once(script.stdout, 'data');
  return { script, pid: Number(/ready (\d+)/.exec(output)![1]), output: () => output };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('a script that is ended by a signal', () => {
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)
    it(`passes ${signal} on, waits for what it runs, clears up, and ends by it`, LIMIT, async () => {
      const trap = `trap 'echo heard; sleep 0.2; echo over; exit 0' ${signal.slice(3)}`;
      const { script, pid, output } = await scriptRunning(`${trap}; echo ready $$; while :; do sleep 0.05; done`);
      script.kill(signal);
      const [code] = await once(script, 'close');
      assert.equal(code, status);
      assert.match(output(), /heard\nover\ncleared up\n$/);
      assert.ok(!isAlive(pid));
    });

  it('passes a signal that comes twice at once on but once', LIMIT, async () => {
    const shell = 'trap "echo heard" INT; echo ready $$; for i in 1 2 3 4 5 6; do sleep 0.1; done; echo over';
    const { script, output } = await scriptRunning(shell);
    script.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 150));
    script.kill('SIGINT');
    await once(script, 'close');
    assert.match(output(), /^ready \d+\nheard\nover\ncleared up\n$/);
  });

  it('kills what it runs when it is told a second time later', LIMIT, async () => {
    const { script, pid, output } = await scriptRunning('trap "" INT; echo ready $$; while :; do sleep 0.05; done');
    script.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 1200));
    assert.ok(isAlive(pid));
    script.kill('SIGINT');
    const [code] = await once(script, 'close');
    assert.equal(code, 130);
    assert.ok(!isAlive(pid));
    assert.match(output(), /cleared up\n$/);
  });
});
