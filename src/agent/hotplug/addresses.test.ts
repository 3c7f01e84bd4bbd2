import assert from 'node:assert/strict';
import test from 'node:test';
import { deviceFolder, parsePciPath, rootBusFolder } from './pci-path.ts';
import { parseScsiAddress } from './scsi-address.ts';

test('a SCSI address is target and lun', () => {
  assert.deepEqual(parseScsiAddress('0:3'), { target: 0, lun: 3 });
  assert.deepEqual(parseScsiAddress('255:16383'), { target: 255, lun: 16383 });
});

test('what is no SCSI address is refused, before it gets into a path of sysfs', () => {
  for (const text of ['', '3', '0:3:1', '0:-1', '0:../x', ' 0:3']) assert.throws(() => parseScsiAddress(text), /SCSI/);
});

test('a PCI path leads through bridges', () => {
  const path = parsePciPath('02/1f.7');
  assert.equal(rootBusFolder(path), 'pci0000:00');
  assert.deepEqual(
    path.slots.map((slot) => deviceFolder('0000:00', slot)),
    ['0000:00:02.0', '0000:00:1f.7'],
  );
});

test('under NUMA the first part is the root bus', () => {
  const path = parsePciPath('20/00/02');
  assert.equal(rootBusFolder(path), 'pci0000:20');
  assert.deepEqual(path.slots, [
    { slot: 0, function: 0 },
    { slot: 2, function: 0 },
  ]);
});

test('a slot that no bus has and a path that leads out are refused', () => {
  for (const text of ['', '20', '01/', '../..', '01/../02', '00.8'])
    assert.throws(() => parsePciPath(text), /PCI path/);
});
