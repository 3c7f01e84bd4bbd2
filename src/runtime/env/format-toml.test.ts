import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'smol-toml';
import { formatToml } from './format-toml.ts';

const record = {
  Kernel: { Path: '/k "x"\\y', Parameters: 'a\tb\x7f\u0001' },
  Runtime: {
    Config: { Path: '/c' },
    Path: '/r',
    List: ['a', 'b"'],
    Version: { OCI: '1', Version: { Major: 1, Dirty: false } },
  },
  Empty: { List: [] as string[] },
};

test('plain values come before tables, which are further in', () => {
  assert.equal(
    formatToml({ Runtime: record.Runtime }),
    [
      '[Runtime]',
      '  Path = "/r"',
      '  List = ["a", "b\\""]',
      '  [Runtime.Config]',
      '    Path = "/c"',
      '  [Runtime.Version]',
      '    OCI = "1"',
      '    [Runtime.Version.Version]',
      '      Major = 1',
      '      Dirty = false',
      '',
    ].join('\n'),
  );
});

test('a parser reads back what was written', () => {
  assert.deepEqual(JSON.parse(JSON.stringify(parse(formatToml(record)))), record);
});
