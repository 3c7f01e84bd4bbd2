import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DiskSlots, formatSlot } from './disk-slots.ts';

test('a disk gets the lowest address that is free', () => {
  const slots = new DiskSlots();
  const given = [slots.allocate(), slots.allocate(), slots.allocate()];
  assert.deepEqual(given.map(formatSlot), ['0:0', '0:1', '0:2']);
  slots.free(given[1]!);
  slots.free(given[1]!);
  assert.equal(formatSlot(slots.allocate()), '0:1');
  assert.equal(formatSlot(slots.allocate()), '0:3');
});

test('the 257th disk is on the next target, and one too many is an error', () => {
  const slots = new DiskSlots();
  const all = Array.from({ length: 257 }, () => slots.allocate());
  assert.equal(formatSlot(all[255]!), '0:255');
  assert.equal(formatSlot(all[256]!), '1:0');
  const small = new DiskSlots(1);
  small.allocate();
  assert.throws(() => small.allocate(), { code: 'resource-exhausted' });
});
