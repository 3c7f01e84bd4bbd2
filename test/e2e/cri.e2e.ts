// Pods as kubelet asks for them, by the CRI plugins of real containerds.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { footprint, processes, shimOf, sleep, versions, vmmOf } from '../harness/containerd.ts';
import { CriNode, type Pod } from '../harness/cri/cri-node.ts';
import { leavesNothing } from '../harness/leaves-nothing.ts';

const LIMIT = { timeout: 120_000 };
const POD_PIDS = { linux: { security_context: { namespace_options: { pid: 'POD' } } } };

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
      assert.equal(status.reason, 'Error');
      assert.deepEqual(log.sort(), ['pod-0', 'to-stderr']);
      await pod.remove();
      // The template stays: it is there for the next.
      const { mounts: _, ...left } = clean;
      await leavesNothing({ ...left, mounts: footprint().mounts! });
      clean = footprint();
    });

    describe('a pod that runs', () => {
      let pod: Pod;
      let first: string;

      before(async () => {
        pod = await node.pod({
          linux: { sysctls: { 'kernel.shm_rmid_forced': '1', 'net.ipv4.ping_group_range': '0 7' } },
        });
        first = await pod.run('trap "exit 5" TERM; while :; do sleep 0.1; done');
      }, LIMIT);
      after(() => pod.remove(), LIMIT);

      it('is one VM and one shim, with no process of its own in the guest', LIMIT, async () => {
        assert.equal(processes(/qemu-system.*-name sandbox-/).length, 1);
        assert.equal(processes(/containerd-shim-kata-v2/).length, 1);
        const pids = await node.containerd.ok(['-n', 'k8s.io', 'task', 'ps', pod.id]);
        assert.deepEqual(pids.match(/\d+/g)?.map(Number), [shimOf(pod.id)]);
        assert.equal((await node.cri.podStatus(pod.id)).state, 'SANDBOX_READY');
      });

      it('has its containers share hostname, IPC, network and the sysctls of the pod', LIMIT, async () => {
        const second = await pod.run('sleep 3600');
        const script = 'hostname; cat /proc/sys/kernel/shm_rmid_forced /proc/sys/net/ipv4/ping_group_range';
        for (const id of [first, second])
          assert.deepEqual((await pod.exec(id, script)).trim().split(/\s+/), ['pod-1', '1', '0', '7']);
        for (const kind of ['ipc', 'uts', 'net'])
          assert.equal(
            await pod.exec(first, `readlink /proc/self/ns/${kind}`),
            await pod.exec(second, `readlink /proc/self/ns/${kind}`),
          );
        assert.notEqual(
          await pod.exec(first, 'readlink /proc/self/ns/pid'),
          await pod.exec(second, 'readlink /proc/self/ns/pid'),
        );
        await node.cri.stop(second);
        await node.cri.remove(second);
      });

      it('restarts a container while another one runs', LIMIT, async () => {
        for (let attempt = 1; attempt <= 3; attempt++) {
          const metadata = { name: 'again', attempt };
          const { status, id } = await pod.finish(`exit ${attempt}`, { metadata });
          assert.equal(status.exit_code, attempt);
          await node.cri.remove(id);
        }
        assert.equal((await node.cri.status(first)).state, 'CONTAINER_RUNNING');
      });
    });

    it('shares one pid namespace when the pod says so, with a process 1 that is no container', LIMIT, async () => {
      const pod = await node.pod(POD_PIDS);
      const first = await pod.run('sleep 3601', POD_PIDS);
      const second = await pod.run('sleep 3602', POD_PIDS);
      const list = await pod.exec(second, 'ps -o pid,comm,args');
      assert.match(list, /^ *1 pause/m);
      assert.match(list, /sleep 3601/);
      assert.match(list, /sleep 3602/);
      // It is of no use to whoever wants out: nothing is in its root.
      assert.equal(await pod.exec(first, 'ls -A /proc/1/root/ 2>/dev/null | wc -l'), '0\n');
      // Orphans are taken in, and a container that ends takes its own processes with it alone.
      await pod.exec(first, 'sh -c "sh -c \\"exit 1\\" & sleep 3603 &"; sleep 0.3');
      assert.doesNotMatch(await pod.exec(second, 'ps -o stat,args'), /Z/);
      await node.cri.stop(first);
      const rest = await pod.exec(second, 'ps -o args');
      assert.doesNotMatch(rest, /sleep 360[13]/);
      assert.match(rest, /sleep 3602/);
      // One that wants its own may have it.
      const alone = await pod.run('sleep 3604');
      assert.doesNotMatch(await pod.exec(alone, 'ps -o args'), /sleep 3602/);
      await pod.remove();
    });

    it('stops a pod twice, removes it twice, and stops one that has no container', LIMIT, async () => {
      const pod = await node.pod();
      await node.cri.stopPod(pod.id);
      await node.cri.stopPod(pod.id);
      assert.equal((await node.cri.podStatus(pod.id)).state, 'SANDBOX_NOTREADY');
      await node.cri.removePod(pod.id);
      await node.cri.removePod(pod.id);
      await leavesNothing(clean);
    });

    it('finds its pods again when containerd comes back, with containers that ended meanwhile', LIMIT, async () => {
      const pod = await node.pod();
      const stays = await pod.run('while :; do echo tick; sleep 0.2; done');
      const ends = await pod.run('sleep 1; exit 9');
      const pid = vmmOf(pod.id);
      await node.restart(1500);
      assert.equal((await node.cri.podStatus(pod.id)).state, 'SANDBOX_READY');
      assert.equal((await node.cri.status(stays)).state, 'CONTAINER_RUNNING');
      assert.equal((await pod.exited(ends)).exit_code, 9);
      assert.equal(vmmOf(pod.id), pid);
      const { status } = await pod.finish('exit 4');
      assert.equal(status.exit_code, 4);
      await pod.remove();
      await leavesNothing(clean);
    });

    it('removes a pod that was half made when containerd was killed', LIMIT, async () => {
      const making = node.pod().then(
        () => 'made',
        (error: Error) => error.message,
      );
      while (processes(/containerd-shim-kata-v2.* -id/).length === 0) await sleep(5);
      await node.restart(0, 'SIGKILL');
      await making;
      for (const id of await node.cri.pods()) {
        await node.cri.stopPod(id);
        await node.cri.removePod(id);
      }
      await leavesNothing(clean);
    });

    it('says why a container cannot start, and leaves nothing of it', LIMIT, async () => {
      const pod = await node.pod();
      const before = footprint();
      const id = await pod.create('true', { command: ['/no/such/program'] });
      await assert.rejects(node.cri.start(id), /no\/such\/program/);
      const status = await pod.exited(id);
      assert.equal(status.reason, 'StartError');
      await node.cri.remove(id);
      assert.deepEqual(footprint(), before);
      assert.equal((await pod.finish('exit 8')).status.exit_code, 8);
      await pod.remove();
    });

    for (const [victim, find] of [
      ['VM', vmmOf],
      ['shim', shimOf],
    ] as const) {
      it(`tells of a pod whose ${victim} was killed, and runs the next in its place`, LIMIT, async () => {
        const pod = await node.pod();
        const id = await pod.run('sleep 3600');
        process.kill(find(pod.id), 'SIGKILL');
        // Of a shim that is gone containerd 1.6 says 255 by itself.
        assert.ok([137, victim === 'shim' ? 255 : 137].includes((await pod.exited(id)).exit_code));
        for (let waitedMs = 0; (await node.cri.podStatus(pod.id)).state === 'SANDBOX_READY'; waitedMs += 50) {
          assert.ok(waitedMs < 10_000, 'the pod is still said to be ready');
          await sleep(50);
        }
        await node.cri.stopPod(pod.id);
        // Of a pod that had ended containerd 2.1 keeps its own /dev/shm until the pod is removed.
        await leavesNothing({ ...clean, mounts: footprint().mounts! });
        const metadata = { ...(pod.config.metadata as object), attempt: 1 };
        const next = await node.pod({ metadata });
        assert.equal((await next.finish('exit 6', { metadata: { name: 'c0', attempt: 1 } })).status.exit_code, 6);
        await next.remove();
        await pod.remove();
        await leavesNothing(clean);
      });
    }
  });
}
