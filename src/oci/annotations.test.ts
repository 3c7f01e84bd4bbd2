import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KataError } from '../errors/kata-error.ts';
import { guestContainerType, identifyContainer, sandboxSize } from './annotations.ts';

test('a container of ctr, nerdctl or docker stands alone', () => {
  assert.deepEqual(identifyContainer('c1', undefined), { kind: 'single', sandboxId: 'c1' });
  assert.deepEqual(identifyContainer('c1', { 'org.example': 'x' }), { kind: 'single', sandboxId: 'c1' });
  assert.equal(guestContainerType('single'), 'pod_sandbox');
});

test("containerd's CRI marks a pod's sandbox and its containers", () => {
  assert.deepEqual(
    identifyContainer('p1', {
      'io.kubernetes.cri.container-type': 'sandbox',
      'io.kubernetes.cri.sandbox-id': 'p1',
      'io.kubernetes.cri.sandbox-name': 'web-0',
      'io.kubernetes.cri.sandbox-namespace': 'shop',
    }),
    { kind: 'pod-sandbox', sandboxId: 'p1', podName: 'web-0', podNamespace: 'shop' },
  );
  assert.deepEqual(
    identifyContainer('c1', {
      'io.kubernetes.cri.container-type': 'container',
      'io.kubernetes.cri.sandbox-id': 'p1',
      'io.kubernetes.cri.container-name': 'nginx',
      'io.kubernetes.cri.image-name': 'docker.io/library/nginx:1',
    }),
    { kind: 'pod-container', sandboxId: 'p1', containerName: 'nginx', image: 'docker.io/library/nginx:1' },
  );
});

test('CRI-O and dockershim are understood too', () => {
  assert.deepEqual(
    identifyContainer('c1', {
      'io.kubernetes.cri-o.ContainerType': 'container',
      'io.kubernetes.cri-o.SandboxID': 'p1',
      'io.kubernetes.cri-o.KubeName': 'web-0',
    }),
    { kind: 'pod-container', sandboxId: 'p1', podName: 'web-0' },
  );
  assert.equal(identifyContainer('p1', { 'io.kubernetes.docker.type': 'podsandbox' }).kind, 'pod-sandbox');
  assert.equal(
    identifyContainer('c1', { 'io.kubernetes.docker.type': 'container', 'io.kubernetes.sandbox.id': 'p1' }).sandboxId,
    'p1',
  );
});

test("a pod's container that names no pod, or a type nobody knows, is refused", () => {
  const refused = (annotations: Record<string, string>, word: string) =>
    assert.throws(
      () => identifyContainer('c1', annotations),
      (error) => error instanceof KataError && error.code === 'invalid-argument' && error.message.includes(word),
    );
  refused({ 'io.kubernetes.cri.container-type': 'container' }, 'sandbox-id');
  refused({ 'io.kubernetes.cri.container-type': 'vm' }, "'vm'");
});

test("a pod's size is read from the sandbox's annotations, unlimited left out", () => {
  assert.deepEqual(
    sandboxSize({
      'io.kubernetes.cri.sandbox-cpu-quota': '150000',
      'io.kubernetes.cri.sandbox-cpu-period': '100000',
      'io.kubernetes.cri.sandbox-cpu-shares': '1536',
      'io.kubernetes.cri.sandbox-memory': '268435456',
    }),
    { cpuQuotaUs: 150000, cpuPeriodUs: 100000, cpuShares: 1536, memoryBytes: 268435456 },
  );
  assert.deepEqual(
    sandboxSize({ 'io.kubernetes.cri.sandbox-cpu-quota': '-1', 'io.kubernetes.cri.sandbox-memory': '0' }),
    {},
  );
  assert.deepEqual(sandboxSize({ 'io.kubernetes.cri.sandbox-memory': 'lots' }), {});
});
