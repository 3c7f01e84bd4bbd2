import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCpuList, uniteCpuLists } from './cpu-list.ts';

test('lists of processors are united', () => {
  assert.equal(uniteCpuLists(['0-2,5', '3', '', '7,6']), '0-3,5-7');
  assert.equal(uniteCpuLists(['10', '9-9 , 1']), '1,9-10');
  assert.equal(uniteCpuLists([]), '');
});

test('what is no list is refused', () => {
  for (const text of ['a', '-1', '3-1', '0-', '1 2', '0-99999999', '0x1'])
    assert.throws(() => parseCpuList(text), /a list like 0-2,5 is expected/, text);
});
