// Volumes of pods, as kubelet mounts them, in a guest that shares no files with the host.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { footprint, shimOf, sleep } from '../harness/containerd.ts';
import { CriNode, type Pod } from '../harness/cri/cri-node.ts';
import { KubeletVolumes } from '../harness/cri/kubelet-volumes.ts';
import { leavesNothing } from '../harness/leaves-nothing.ts';

const LIMIT = { timeout: 120_000 };
const mount = (container_path: string, host_path: string, readonly = false) => ({
  container_path,
  host_path,
  readonly,
});

describe('volumes of a pod', () => {
  let node: CriNode;
  let pod: Pod;
  let volumes: KubeletVolumes;

  before(async () => {
    node = await CriNode.start('1.6');
    pod = await node.pod();
    volumes = new KubeletVolumes(node.path(), 'uid');
  }, LIMIT);
  after(async () => {
    try {
      await pod.remove();
      await volumes.remove();
    } finally {
      await node.stop();
    }
  }, LIMIT);

  /** Until a script in a container prints this. */
  async function prints(id: string, script: string, wanted: string, limitMs = 5000): Promise<void> {
    let found = '';
    for (const start = performance.now(); performance.now() - start < limitMs; await sleep(50)) {
      found = (await node.cri.exec(id, ['sh', '-c', script])).stdout;
      if (found === wanted) return;
    }
    assert.equal(found, wanted);
  }

  it('a ConfigMap, Secret or projected volume follows its source, keys that come and go too', LIMIT, async () => {
    const folder = volumes.folder('configmap', 'settings');
    volumes.swap(folder, { colour: 'blue', 'nested/size': 'small' });
    const id = await pod.run('sleep 3600', { mounts: [mount('/etc/settings', folder, true)] });
    const script = 'cd /etc/settings && for f in $(ls) nested/*; do [ -f $f ] && echo $f=$(cat $f); done';
    await prints(id, script, 'colour=blue\nnested/size=small\n');
    volumes.swap(folder, { colour: 'red', shape: 'round' });
    await prints(id, script, 'colour=red\nshape=round\n');
    // What is out of date is gone, and what is there is a link, as on a host without VMs.
    assert.equal(await pod.exec(id, 'ls -A /etc/settings | grep -c "^[.][.]2026"'), '1\n');
    assert.equal(await pod.exec(id, 'readlink /etc/settings/shape'), '..data/shape\n');
    assert.notEqual((await node.cri.exec(id, ['touch', '/etc/settings/mine'])).status, 0);
  });

  it('a hundred changes a second reach it, the last one always, and no reader finds half of one', LIMIT, async () => {
    const folder = volumes.folder('secret', 'token');
    const content = (n: number) => ({ first: `${n}\n`, second: `${n}\n` });
    volumes.swap(folder, content(0));
    const read = 'cd /token; d=$(readlink ..data); a=$(cat $d/first 2>/dev/null); b=$(cat $d/second 2>/dev/null);';
    // A folder that goes while it is read is none of what is looked for.
    const script = `while [ "$(cat /token/first)" != 200 ]; do ${read} [ "$a" = "$b" ] || [ ! -d $d ] || exit 1; done; echo whole`;
    const name = 'reader.log';
    const id = await pod.run(script, { mounts: [mount('/token', folder, true)], log_path: name });
    const shim = shimOf(pod.id);
    const ticks = () => {
      const fields = fs.readFileSync(`/proc/${shim}/stat`, 'utf8').split(') ')[1]!.split(' ');
      return Number(fields[11]) + Number(fields[12]);
    };
    const before = ticks();
    const start = performance.now();
    for (let n = 1; n <= 200; n++) {
      volumes.swap(folder, content(n));
      await sleep(Math.max(0, start + n * 10 - performance.now()));
    }
    assert.equal((await pod.exited(id)).exit_code, 0);
    assert.deepEqual(pod.log(name), ['whole']);
    const seconds = (performance.now() - start) / 1000;
    assert.ok((ticks() - before) / 100 / seconds < 0.5, 'the shim takes less than half of a processor');
  });

  it('an emptyDir is one folder for all containers of the pod, and outlives each of them', LIMIT, async () => {
    const folder = volumes.folder('empty-dir', 'work');
    fs.chmodSync(folder, 0o2777);
    fs.chownSync(folder, 0, 2000);
    const mounts = [mount('/data', folder)];
    const writer = await pod.finish('echo kept > /data/file; stat -c "%a %g" /data', { mounts });
    assert.deepEqual([writer.status.exit_code, writer.log], [0, ['2777 2000']]);
    await node.cri.remove(writer.id);
    const reader = await pod.run('sleep 3600', { mounts });
    assert.equal(await pod.exec(reader, 'cat /data/file; stat -c %g /data/file'), 'kept\n2000\n');
    // Seen at once by another one that runs, through a subPath too.
    const within = [mount('/sub', await volumes.subPath(folder, 'deep/er', 'other', 0))];
    const other = await pod.run('sleep 3600', { mounts: within });
    await pod.exec(other, 'echo shared > /sub/x');
    assert.equal(await pod.exec(reader, 'cat /data/deep/er/x'), 'shared\n');
  });

  it('an emptyDir in memory has its limit, at /dev/shm too', LIMIT, async () => {
    const mounts = [
      mount('/dev/shm', await volumes.memory('shm', 8)),
      mount('/scratch', await volumes.memory('scratch', 4)),
    ];
    const script =
      'df -k /dev/shm /scratch | awk "NR>1{print \\$2}"; dd if=/dev/zero of=/scratch/x bs=1M count=6 2>&1 | grep -o "No space.*"';
    assert.deepEqual((await pod.finish(script, { mounts })).log, ['8192', '4096', 'No space left on device']);
  });

  it('the reason that a container leaves of its end is where kubelet reads it', LIMIT, async () => {
    const log = volumes.terminationLog('c');
    const { status } = await pod.finish('echo out of ideas > /dev/termination-log; exit 1', {
      mounts: [mount('/dev/termination-log', log)],
    });
    assert.equal(status.exit_code, 1);
    assert.equal(fs.readFileSync(log, 'utf8'), 'out of ideas\n');
    // Another place, and more than Kubernetes shows.
    const second = volumes.terminationLog('d');
    await pod.finish('head -c 100000 /dev/zero | tr "\\\\0" x > /reason; exit 1', {
      mounts: [mount('/reason', second)],
    });
    assert.equal(fs.readFileSync(second, 'utf8'), 'x'.repeat(4096));
  });

  it('a single file such as /etc/hosts is written anew in place when the host does', LIMIT, async () => {
    const hosts = volumes.file('etc-hosts', '10.0.0.1 first\n');
    const id = await pod.run('sleep 3600', { mounts: [mount('/etc/hosts', hosts)] });
    await prints(id, 'cat /etc/hosts', '10.0.0.1 first\n');
    fs.writeFileSync(hosts, '10.0.0.1 first\n10.0.0.2 second\n');
    await prints(id, 'cat /etc/hosts', '10.0.0.1 first\n10.0.0.2 second\n');
    fs.writeFileSync(hosts, 'less\n');
    await prints(id, 'cat /etc/hosts', 'less\n');
  });

  it('a folder of the host is copied; what cannot be is refused by name, and the pod goes on', LIMIT, async () => {
    const folder = volumes.folder('host-path', 'data');
    fs.writeFileSync(path.join(folder, 'file'), 'as it was\n');
    const { log } = await pod.finish('cat /data/file', { mounts: [mount('/data', folder)] });
    assert.deepEqual(log, ['as it was']);
    const wait = await pod.create('true', { mounts: [mount('/run/it', node.containerd.address)] });
    await assert.rejects(node.cri.start(wait), /containerd\.sock is a socket, a FIFO or a device: it cannot be copied/);
    assert.equal((await pod.finish('exit 2')).status.exit_code, 2);
  });

  it('a pod that ends follows nothing any longer', LIMIT, async () => {
    const clean = footprint();
    const own = await node.pod();
    const folder = volumes.folder('projected', 'mine');
    volumes.swap(folder, { a: '1' });
    await own.run('sleep 3600', { mounts: [mount('/mine', folder, true)] });
    await own.remove();
    volumes.swap(folder, { a: '2' });
    await leavesNothing(clean);
  });
});
