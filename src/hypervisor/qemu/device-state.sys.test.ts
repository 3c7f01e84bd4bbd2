import assert from 'node:assert/strict';
import test from 'node:test';
import { makeTemporaryDirectory, removeTree } from '../../os/directory.ts';
import { writeFile } from '../../os/file.ts';
import { checksumOf, readDeviceState } from './device-state.ts';

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 31) & 255);

test('any byte that differs, and any byte more or fewer, is seen', () => {
  const original = bytes(1003);
  const sum = checksumOf(original);
  assert.equal(checksumOf(original.slice()), sum);
  for (const at of [0, 1, 500, 999, 1000, 1002]) {
    const changed = original.slice();
    changed[at]! ^= 1;
    assert.ok(checksumOf(changed) !== sum, `byte ${at}`);
  }
  assert.ok(checksumOf(original.slice(0, -1)) !== sum);
  assert.ok(checksumOf(new Uint8Array([...original, 0])) !== sum);
});

test('what was saved is read as it was, and what was damaged is not', () => {
  const folder = makeTemporaryDirectory('/tmp/kata-ts-state-');
  try {
    const statePath = `${folder}/state`;
    const snapshot = { statePath, stateChecksum: checksumOf(bytes(5000)) };
    writeFile(statePath, bytes(5000));
    assert.deepEqual(readDeviceState(snapshot), bytes(5000));
    writeFile(statePath, bytes(4999));
    assert.throws(() => readDeviceState(snapshot), /was damaged/);
  } finally {
    removeTree(folder);
  }
});
