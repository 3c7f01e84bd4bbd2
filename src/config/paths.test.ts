import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joinPath } from './paths.ts';

test('a path is worked out by name and never climbs above the root', () => {
  assert.equal(joinPath('/opt/kata/bin/x', '../../share'), '/opt/kata/share');
  assert.equal(joinPath('/a', '..', '..', 'b'), '/b');
  assert.equal(joinPath('a/b', '../../../c'), '../c');
  assert.equal(joinPath('/a/./b//c/'), '/a/b/c');
  assert.equal(joinPath('/', '..'), '/');
});
