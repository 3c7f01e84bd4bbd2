import assert from 'node:assert/strict';
import test from 'node:test';
import { ModuleAliases } from './module-alias.ts';

const aliases = new ModuleAliases(
  ['alias fs-ext4 ext4', 'alias net-pf-40-* vsock_x', 'alias virtio:d00000013v* vmw_vsock_virtio_transport', ''].join(
    '\n',
  ),
);

test('a file system that is mounted for the first time finds its module', () => {
  assert.deepEqual(aliases.modulesOf('fs-ext4'), ['ext4']);
  assert.deepEqual(aliases.modulesOf('fs_ext4'), ['ext4']);
});

test('a device is matched by its pattern', () => {
  assert.deepEqual(aliases.modulesOf('virtio:d00000013v00001AF4'), ['vmw_vsock_virtio_transport']);
  assert.deepEqual(aliases.modulesOf('virtio:d00000014v00001AF4'), []);
});

test('a name that nothing answers to finds nothing, whatever characters it has', () => {
  assert.deepEqual(aliases.modulesOf('fs-ext4.x'), []);
  assert.deepEqual(aliases.modulesOf('.*'), []);
});
