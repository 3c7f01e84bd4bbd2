import assert from 'node:assert/strict';
import test from 'node:test';
import { parseUevent } from './uevent.ts';

test('a disk that appears is told with its path and its node', () => {
  const path = '/devices/pci0000:00/0000:00:02.0/virtio0/host0/target0:0:0/0:0:0:3/block/sda';
  const text = `add@${path}\0ACTION=add\0DEVPATH=${path}\0SUBSYSTEM=block\0MAJOR=8\0MINOR=0\0DEVNAME=sda\0SEQNUM=901\0`;
  assert.deepEqual(parseUevent(text), { action: 'add', devicePath: path, subsystem: 'block', deviceName: 'sda' });
});

test('a device without a node and values with an equals sign are taken', () => {
  const text = 'add@/module/sd\0ACTION=add\0DEVPATH=/module/sd\0SUBSYSTEM=module\0X=a=b\0';
  assert.deepEqual(parseUevent(text), { action: 'add', devicePath: '/module/sd', subsystem: 'module', deviceName: '' });
});

test('what udev or anybody else sends on the same socket is no uevent', () => {
  for (const text of ['', 'libudev\0\xfe\xed', 'add@/x', 'nonsense\0ACTION=add\0DEVPATH=/x']) {
    assert.equal(parseUevent(text), null, JSON.stringify(text));
  }
});
