import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kubeletPath } from './kubelet-path.ts';

const POD = '/var/lib/kubelet/pods/8f1b';

test('an emptyDir is known by the plugin in its path, wherever kubelet has its root', () => {
  const volume = 'scratch';
  assert.deepEqual(kubeletPath(`${POD}/volumes/kubernetes.io~empty-dir/scratch`), { kind: 'empty-dir', volume });
  assert.deepEqual(kubeletPath('/data/k/pods/1/volumes/kubernetes.io~empty-dir/scratch'), {
    kind: 'empty-dir',
    volume,
  });
  assert.equal(kubeletPath(`${POD}/volumes/kubernetes.io~configmap/scratch`), null);
  assert.equal(kubeletPath(`${POD}/volumes/kubernetes.io~empty-dir/scratch/within`), null);
});

test('a subPath names its volume, and where that is if it is an emptyDir', () => {
  assert.deepEqual(kubeletPath(`${POD}/volume-subpaths/scratch/web/0`), {
    kind: 'sub-path',
    volume: 'scratch',
    emptyDir: `${POD}/volumes/kubernetes.io~empty-dir/scratch`,
  });
});

test('a termination log is the file named by a number in its container’s folder', () => {
  assert.deepEqual(kubeletPath(`${POD}/containers/web/9a0b12cd`), { kind: 'termination-log' });
  assert.equal(kubeletPath(`${POD}/etc-hosts`), null);
  assert.equal(kubeletPath('/home/pods/me/containers/web/notes'), null);
});
