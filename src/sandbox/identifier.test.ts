import assert from 'node:assert/strict';
import { it } from 'node:test';
import { checkIdentifier } from './identifier.ts';

it('takes the ids that containerd, kubelet and people give', () => {
  for (const id of ['a', 'web-1', 'my_app.v2', '0'.repeat(64), '3e9f', 'a--b', 'x'.repeat(128)])
    assert.equal(checkIdentifier('a container', id), id);
});

it('refuses an id that would lead out of the folder that it names', () => {
  for (const id of ['', '.', '..', '../etc', 'a/b', '/', '-rf', 'a b', 'a\n', 'a\0', 'ä', 'x'.repeat(129)])
    assert.throws(() => checkIdentifier('a container', id), { code: 'invalid-argument' }, JSON.stringify(id));
});
