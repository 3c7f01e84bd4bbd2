// A pod's address, as kubelet is told it, by the CRI plugin of a real containerd.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { CriNode, type Pod } from '../harness/cri/cri-node.ts';

const LIMIT = { timeout: 120_000 };

describe('the network of a pod', () => {
  let node: CriNode;
  let pod: Pod;
  let id: string;

  before(async () => {
    node = await CriNode.start('1.7');
    pod = await node.pod();
    id = await pod.run('sleep 3600');
  }, LIMIT);
  after(async () => {
    await pod.remove();
    await node.stop();
  }, LIMIT);

  it('has the address in the guest that kubelet is told', LIMIT, async () => {
    const { ip } = (await node.cri.podStatus(pod.id)).network!;
    assert.match(await pod.exec(id, 'ip -4 addr show dev eth0'), new RegExp(`inet ${ip}/`));
  });

  it('is reached at its address, and by its own containers', LIMIT, async () => {
    const server = await pod.run('mkdir /www; echo page > /www/index.html; httpd -f -p 80 -h /www');
    await pod.exec(server, 'until wget -qO- http://127.0.0.1/; do sleep 0.1; done');
    const { ip } = (await node.cri.podStatus(pod.id)).network!;
    // Twice: the second time the neighbours are known.
    for (let times = 0; times < 2; times++)
      assert.match(await node.fetch(ip, 80, '/'), /^HTTP\/1.1 200 OK[\s\S]*page\n$/);
    // Containers of a pod reach each other by its loopback interface.
    assert.equal(await pod.exec(id, 'wget -qO- http://127.0.0.1/'), 'page\n');
    await node.cri.stop(server);
  });
});
