import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lineOfKey } from './line-of-key.ts';

const TOML = `# a = 1
title = "x"
[ a . "b" ] # comment
key = 1
c.d = 2
"quoted" = [
  "key = 3",
]
[[a.list]]
key = 4
[z]
key = 5
`;

test('a key is found in its own section, however it is written', () => {
  assert.equal(lineOfKey(TOML, '', 'title'), 2);
  assert.equal(lineOfKey(TOML, 'a.b', 'key'), 4);
  assert.equal(lineOfKey(TOML, 'a.b.c', 'd'), 5);
  assert.equal(lineOfKey(TOML, 'a.b', 'quoted'), 6);
  assert.equal(lineOfKey(TOML, 'a', 'list'), 9);
  assert.equal(lineOfKey(TOML, 'z', 'key'), 12);
  assert.equal(lineOfKey(TOML, '', 'z'), 11);
  assert.equal(lineOfKey(TOML, '', 'a'), undefined);
});
