import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeKvm, type KvmFacts } from './judge-kvm.ts';

const works: KvmFacts = { device: '/dev/kvm', open: '', apiVersion: 12, createVm: '', modules: ['kvm_intel'] };

test('KVM is taken when it creates a VM', () => {
  assert.equal(judgeKvm(works).name, 'kvm');
  assert.equal(judgeKvm({ ...works, modules: ['kvm_amd'] }).name, 'kvm');
  assert.equal(judgeKvm({ ...works, modules: [] }).name, 'kvm', 'built into the kernel, or /sys is not there');
  assert.equal(judgeKvm({ ...works, modules: ['kvm_intel', 'kvm_pvm'] }).name, 'kvm');
});

test('what stands in the way of KVM is said, and how to change it', () => {
  const cases: [Partial<KvmFacts>, RegExp][] = [
    [{ open: 'ENOENT' }, /there is no KVM: \/dev\/kvm: ENOENT/],
    [{ open: 'EACCES' }, /may not be opened: EACCES/],
    [{ open: 'EBUSY' }, /cannot be opened: EBUSY/],
    [{ apiVersion: -25 }, /API version 12 is expected, found -25/],
    [{ createVm: 'ENOMEM' }, /refuses to create a VM: ENOMEM/],
    [{ modules: ['kvm_pvm'] }, /kvm_pvm's, which does not boot a stock kernel/],
  ];
  for (const [facts, reason] of cases) {
    const judged = judgeKvm({ ...works, ...facts });
    assert.equal(judged.name, 'tcg');
    assert.match(judged.reason, reason);
    assert.ok(judged.hint);
  }
});
