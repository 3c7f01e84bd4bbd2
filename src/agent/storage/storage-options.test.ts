import assert from 'node:assert/strict';
import test from 'node:test';
import { parseHugePages } from './huge-page-options.ts';
import { optionValue, optionValues } from './option-value.ts';

test('of an option given twice the last counts, where one is wanted', () => {
  const options = ['size=1m', 'mode=755', 'size=2m', 'sizes=9'];
  assert.equal(optionValue(options, 'size'), '2m');
  assert.deepEqual(optionValues(options, 'size'), ['1m', '2m']);
  assert.equal(optionValue(options, 'fsgid'), undefined);
});

test('huge pages are counted from the size of the volume and of a page', () => {
  assert.deepEqual(parseHugePages(['pagesize=2097152,size=524288000']), { pageSizeBytes: 2097152, count: 250 });
  assert.deepEqual(parseHugePages(['x=1', 'size=4096', ' pagesize=2048']), { pageSizeBytes: 2048, count: 2 });
});

test('a hugetlbfs without both sizes is refused', () => {
  for (const options of [[], ['pagesize=2048'], ['size=1'], ['pagesize=0,size=1'], ['pagesize=x,size=1']])
    assert.throws(() => parseHugePages(options), /pagesize and size in bytes/);
});
