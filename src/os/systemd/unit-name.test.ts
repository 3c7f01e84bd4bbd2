import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkUnitName, slicePath } from './unit-name.ts';

test('a slice lies in those that its name begins with', () => {
  assert.equal(slicePath('system.slice'), '/system.slice');
  assert.equal(
    slicePath('kubepods-burstable-pod1_2.slice'),
    '/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice',
  );
  assert.equal(slicePath('-.slice'), '');
});

test('what is no slice is refused', () => {
  for (const name of ['', 'a', 'a.scope', '.slice', '-a.slice', 'a-.slice', 'a--b.slice', 'a/b.slice', '../x.slice'])
    assert.throws(() => slicePath(name), /a slice like kubepods-burstable.slice is expected/, name);
});

test('a unit name is one that systemd takes', () => {
  assert.equal(checkUnitName('cri-containerd-0a.scope'), 'cri-containerd-0a.scope');
  for (const name of ['', 'a/b.scope', 'a b.scope', `${'x'.repeat(250)}.scope`])
    assert.throws(() => checkUnitName(name), /a unit's name of at most 255/, name);
});
