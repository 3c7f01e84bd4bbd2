// What a person sees when something that set-up cannot install itself is missing.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';

const folder = mkdtempSync(path.join(tmpdir(), 'kata-ts-setup-'));
after(() => rmSync(folder, { recursive: true }));
// A copy that everybody may read, wherever the checkout is.
chmodSync(folder, 0o755);
cpSync('setup', path.join(folder, 'setup'), { recursive: true });

/** Runs set-up where of the programs that it looks for there are only these. */
function setUp(programs: string[], options: { uid?: number; nodeOptions?: string } = {}): string {
  const bin = mkdtempSync(path.join(folder, 'bin'));
  chmodSync(bin, 0o755);
  for (const name of programs) {
    const found = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();
    symlinkSync(found, path.join(bin, name));
  }
  const { status, stderr, stdout } = spawnSync(process.execPath, [path.join(folder, 'setup/build.mjs')], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: bin, NODE_OPTIONS: options.nodeOptions ?? '' },
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  assert.equal(status, 1, stderr + stdout);
  assert.equal(stderr.trim().split('\n').length, 1, `one line is expected:\n${stderr}`);
  return stderr;
}

describe('set-up that cannot go on says in one line what is missing and how to get it', () => {
  const all = ['apt-get', 'npm', 'git', 'node', 'flock'];
  const without = (name: string) => all.filter((other) => other !== name);

  it('without root', () => {
    assert.match(setUp(all, { uid: 65534 }), /^error: root is needed.*Run: sudo npm start$/m);
  });
  it('without apt-get', () => {
    assert.match(setUp(without('apt-get')), /^error: apt-get is missing.*Debian 12/m);
  });
  it('with a Node that is too old', () => {
    const old = "Object.defineProperty(process,'versions',{value:{...process.versions,node:'18.19.0'}})";
    const nodeOptions = `--import=data:text/javascript,${encodeURIComponent(old)}`;
    assert.match(setUp(all, { nodeOptions }), /^error: Node 20 or newer is needed, this is 18\.19\.0\. Run: /m);
  });
  it('without npm', () => {
    assert.match(setUp(without('npm')), /^error: npm is missing\. Run: apt-get install npm$/m);
  });
  it('without git', () => {
    assert.match(setUp(without('git')), /^error: git is missing\. Run: apt-get install git$/m);
  });
});
