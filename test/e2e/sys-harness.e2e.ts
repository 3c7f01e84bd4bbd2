// The test program itself: a failing system test must be seen as one, or no system test can be trusted.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';

const folder = mkdtempSync(path.join(tmpdir(), 'kata-ts-harness-'));
after(() => rmSync(folder, { recursive: true }));

function runSysTest(body: string): { status: number | null; lines: string[] } {
  const file = path.join(folder, 'sample.sys.test.ts');
  const head = `import assert from 'node:assert/strict';\nimport { after, afterEach, before, beforeEach, describe, it, test } from 'node:test';\n`;
  writeFileSync(file, head + body);
  const { status, stdout, stderr } = spawnSync(process.execPath, ['setup/sys-test.mjs', file], { encoding: 'utf8' });
  return { status, lines: `${stdout}${stderr}`.trim().split('\n') };
}

describe('the program of system tests', () => {
  it('counts each outcome, and runs hooks around tests in their order', () => {
    const { status, lines } = runSysTest(`
const log: string[] = [];
describe('suite', () => {
  before(() => { log.push('before'); });
  beforeEach(() => { log.push('each'); });
  afterEach(() => { log.push('over'); });
  after(() => { assert.deepEqual(log, ['before', 'each', 'one', 'end', 'over', 'each', 'two', 'over']); });
  it('passes', (t) => { t.after(() => { log.push('end'); }); log.push('one'); });
  it('fails', () => { log.push('two'); assert.equal(1, 2); });
});
test('is late', { timeout: 20 }, () => new Promise(() => {}));
test('forgets a rejection', () => { Promise.reject(new Error('lost')); });
test('ends well', async () => { await Promise.resolve(); });
`);
    assert.equal(status, 1);
    assert.equal(lines.at(-1), '2 passed, 3 failed');
    const text = lines.join('\n');
    assert.match(text, /✖ fails[\s\S]*found {4}1\n\s*expected 2/);
    assert.match(text, /sample\.sys\.test\.ts:11:/);
    assert.match(text, /✖ is late[\s\S]*not over after 20 ms/);
    assert.match(text, /✖ forgets a rejection[\s\S]*caused by Error: lost/);
    assert.match(text, /✔ ends well/);
  });

  it('that ends in the middle of a test has failed', () => {
    const { status, lines } = runSysTest(`import { exit } from 'std';\ntest('leaves', () => { exit(0); });\n`);
    assert.equal(status, 1);
    assert.match(lines.at(-1) ?? '', /ended by itself/);
  });

  it('is content when all pass', () => {
    const { status, lines } = runSysTest(`test('fine', () => {});\n`);
    assert.deepEqual([status, lines.at(-1)], [0, '1 passed, 0 failed']);
  });
});
