// Pods as kubelet asks for them, by the CRI plugins of real containerds.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { footprint, versions } from '../harness/containerd.ts';
import { CriNode } from '../harness/cri/cri-node.ts';
import { leavesNothing } from '../harness/leaves-nothing.ts';

const LIMIT = { timeout: 120_000 };

for (const version of Object.keys(versions)) {
  describe(`CRI of containerd ${version}`, () => {
    let node: CriNode;
    let clean: ReturnType<typeof footprint>;

    before(async () => {
      clean = footprint();
      node = await CriNode.start(version);
    }, LIMIT);
    after(() => node.stop(), LIMIT);

    it('runs a pod with one container, and leaves nothing of it', LIMIT, async () => {
      const pod = await node.pod();
      const { status, log } = await pod.finish('hostname; echo to-stderr >&2; exit 3');
      assert.equal(status.exit_code, 3);
      assert.deepEqual(log.sort(), ['pod-0', 'to-stderr']);
      await pod.remove();
      await leavesNothing(clean);
    });
  });
}
