import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseShimFlags } from './flags.ts';

it('reads the command line that containerd 1.6 writes', () => {
  const line =
    '-namespace default -address /run/containerd/containerd.sock -publish-binary /usr/bin/containerd -id k4 start';
  const flags = parseShimFlags(line.split(' '));
  assert.equal(flags.action, 'start');
  assert.equal(flags.namespace, 'default');
  assert.equal(flags.address, '/run/containerd/containerd.sock');
  assert.equal(flags.publishBinary, '/usr/bin/containerd');
  assert.equal(flags.id, 'k4');
  assert.equal(flags.debug, false);
});

it("reads Go's other spellings, and flags behind which nothing is needed", () => {
  const flags = parseShimFlags(['--id=a', '-debug', '-socket', '/s', '-bundle=/b', 'delete']);
  assert.deepEqual([flags.id, flags.debug, flags.bundle, flags.action], ['a', true, '/b', 'delete']);
});

it('says what it expects when containerd writes what it does not know', () => {
  assert.throws(() => parseShimFlags(['-frobnicate', 'start']), /namespace.*found -frobnicate/);
  assert.throws(() => parseShimFlags(['restart']), /start or delete is expected, found "restart"/);
  assert.throws(() => parseShimFlags(['-id']), /-id is expected to be followed by a value/);
});
