import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listDirectory, makeDirectories, makeTemporaryDirectory, removeTree } from '../../os/directory.ts';
import { close } from '../../os/fd.ts';
import { exists } from '../../os/file.ts';
import { chooseAccelerator, lookAtKvm } from './accelerator.ts';
import { openAgentChannel } from './agent-channel.ts';
import type { KvmFacts } from './judge-kvm.ts';

const WORKS: KvmFacts = { device: '/dev/kvm', open: '', apiVersion: 12, createVm: '', modules: ['kvm_intel'] };
const openFiles = (): number => listDirectory('/proc/self/fd').length;

test('looking for KVM tells what is there, and leaves no descriptor', (t) => {
  const folder = makeTemporaryDirectory('/tmp/kata-kvm-test-');
  t.after(() => removeTree(folder));
  const before = openFiles();
  assert.deepEqual(lookAtKvm('/nowhere', folder), {
    device: '/nowhere',
    open: 'ENOENT',
    apiVersion: 0,
    createVm: '',
    modules: [],
  });
  makeDirectories(`${folder}/kvm_pvm`);
  const none = lookAtKvm('/dev/null', folder);
  assert.ok(none.apiVersion < 0, '/dev/null is no KVM');
  assert.deepEqual(none.modules, ['kvm_pvm']);
  const here = lookAtKvm();
  assert.equal(here.open === '', exists('/dev/kvm'));
  assert.equal(openFiles(), before);
});

test('the configuration can insist, and hears why not', () => {
  const broken: KvmFacts = { ...WORKS, modules: ['kvm_pvm'] };
  assert.equal(chooseAccelerator('auto', () => WORKS).name, 'kvm');
  assert.equal(chooseAccelerator('kvm', () => WORKS).name, 'kvm');
  assert.equal(chooseAccelerator('auto', () => broken).name, 'tcg');
  assert.match(chooseAccelerator('tcg', () => assert.fail('nothing is looked at')).reason, /the configuration says/);
  assert.throws(() => chooseAccelerator('kvm', () => broken), {
    code: 'failed-precondition',
    message: /accelerator = "kvm" is configured, but .*kvm_pvm/,
  });
});

test('without a vsock device the agent is reached over a port', () => {
  const before = openFiles();
  const channel = openAgentChannel('/nowhere/vhost-vsock');
  assert.deepEqual(channel.qemuEnd(5), { kind: 'serial', fd: 5 });
  assert.match(channel.reason, /virtio-serial/);
  channel.close();
  channel.close();
  assert.equal(openFiles(), before + 1, "QEMU's end is the caller's");
  close(channel.fd);
});
