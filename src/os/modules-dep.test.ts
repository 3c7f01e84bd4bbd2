import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ModuleDependencies, moduleName } from './modules-dep.ts';

test('a module is loaded after all that it needs, in either form of modules.dep', () => {
  const whole = new ModuleDependencies(
    'sd_mod.ko: scsi_mod.ko scsi_common.ko\nscsi_mod.ko: scsi_common.ko\nscsi_common.ko:\n',
  );
  assert.deepEqual(whole.loadOrder('sd_mod'), ['scsi_common.ko', 'scsi_mod.ko', 'sd_mod.ko']);
  const direct = new ModuleDependencies('c.ko: b.ko a.ko\nb.ko: a.ko\na.ko:');
  assert.deepEqual(direct.loadOrder('c'), ['a.ko', 'b.ko', 'c.ko']);
  assert.deepEqual(new ModuleDependencies('a.ko: b.ko\nb.ko: c.ko\nc.ko:\n').loadOrder('a'), ['c.ko', 'b.ko', 'a.ko']);
});

test('dashes and underscores are one, and a path is no part of the name', () => {
  assert.equal(moduleName('kernel/fs/nls/nls-utf8.ko.xz'), 'nls_utf8');
  const dependencies = new ModuleDependencies('kernel/net/virtio_net.ko: kernel/net/net-failover.ko\n');
  assert.deepEqual(dependencies.loadOrder('virtio-net'), ['kernel/net/net-failover.ko', 'kernel/net/virtio_net.ko']);
});

test('an unknown module is null, and a circle ends', () => {
  const dependencies = new ModuleDependencies('a.ko: b.ko\nb.ko: a.ko\n');
  assert.equal(dependencies.loadOrder('c'), null);
  assert.deepEqual(dependencies.loadOrder('a'), ['b.ko', 'a.ko']);
});
