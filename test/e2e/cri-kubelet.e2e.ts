// What kubelet asks of a pod's containers, by the CRI plugins of real containerds.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { run, sleep, versions } from '../harness/containerd.ts';
import type { Fields } from '../harness/cri/cri-client.ts';
import { CriNode, type Pod } from '../harness/cri/cri-node.ts';
import { CHANNEL, KubeStream } from '../harness/cri/kube-stream.ts';

const LIMIT = { timeout: 120_000 };
const MIB = 2 ** 20;
/** Those of cgroup v1 that containerd reads a pod's stats from. */
const CONTROLLERS = ['memory', 'cpuacct', 'cpu', 'pids'];
const secured = (security_context: Fields) => ({ linux: { security_context } });
const limited = (resources: Fields) => ({ linux: { resources } });
const number = (value: number) => ({ value });

for (const version of Object.keys(versions)) {
  describe(`kubelet with containerd ${version}`, () => {
    const cgroup = `kata-ts-${randomBytes(4).toString('hex')}`;
    let node: CriNode;
    let pod: Pod;
    let id: string;

    before(async () => {
      node = await CriNode.start(version);
      await node.addImage('kata-ts.test/usr1', { StopSignal: 'SIGUSR1' });
      await node.addImage('kata-ts.test/www', { User: 'www-data' });
      // As kubelet makes it: the pod's own, which its stats are read from.
      for (const controller of CONTROLLERS)
        fs.mkdirSync(`/sys/fs/cgroup/${controller}/${cgroup}/pod`, { recursive: true });
      pod = await node.pod({
        linux: {
          cgroup_parent: `/${cgroup}/pod`,
          security_context: { privileged: true },
        },
        dns_config: { servers: ['10.9.8.7'], searches: ['test.local'], options: ['ndots:2'] },
        port_mappings: [{ container_port: 80, host_port: 8088 }],
      });
      id = await pod.run('sleep 3600');
    }, LIMIT);
    after(async () => {
      await pod.remove();
      await node.stop();
      for (const controller of CONTROLLERS)
        for (const folder of [`${cgroup}/pod`, cgroup]) await run(['rmdir', `/sys/fs/cgroup/${controller}/${folder}`]);
    }, LIMIT);

    it('execs as probes do: output, status, a limit of time', LIMIT, async () => {
      assert.deepEqual(await node.cri.exec(id, ['sh', '-c', 'echo out; echo err >&2; exit 3']), {
        stdout: 'out\n',
        stderr: 'err\n',
        status: 3,
      });
      await assert.rejects(node.cri.exec(id, ['sleep', '77'], 1), /timeout|deadline/i);
      assert.doesNotMatch(await pod.exec(id, 'ps -o args'), /^sleep 77/m);
      await assert.rejects(node.cri.exec(id, ['/no/such/probe']), /no\/such\/probe/);
    });

    it('streams an exec with a terminal that changes its size, and one without', LIMIT, async () => {
      const request = {
        container_id: id,
        cmd: ['sh', '-c', 'read x; stty size; echo got $x'],
        tty: true,
        stdin: true,
        stdout: true,
      };
      const tty = new KubeStream(await node.cri.stream('Exec', request), node.netns);
      tty.resize(77, 33);
      await sleep(500);
      tty.send(CHANNEL.stdin, 'it\n');
      await tty.until(CHANNEL.stdout, /33 77\r\ngot it/);
      await tty.until(CHANNEL.error, /"Success"/);
      const cmd = ['sh', '-c', 'echo out; echo err >&2; exit 9'];
      const plain = new KubeStream(
        await node.cri.stream('Exec', { container_id: id, cmd, stdout: true, stderr: true }),
        node.netns,
      );
      const error = await plain.until(CHANNEL.error, /NonZeroExitCode/);
      assert.match(error, /"message":"9"/);
      assert.deepEqual([plain.text(CHANNEL.stdout), plain.text(CHANNEL.stderr)], ['out\n', 'err\n']);
    });

    it('attaches to a container, and gives it input', LIMIT, async () => {
      const cat = await pod.run('while read line; do echo "<$line>"; done', { stdin: true });
      const request = { container_id: cat, stdin: true, stdout: true, stderr: true };
      const stream = new KubeStream(await node.cri.stream('Attach', request), node.netns);
      stream.send(CHANNEL.stdin, 'hello\n');
      await stream.until(CHANNEL.stdout, /<hello>/);
      stream.close();
      await node.cri.stop(cat);
    });

    it('logs in the format of CRI, long lines in parts, and goes on in a new file', LIMIT, async () => {
      const name = 'log.log';
      const script = 'echo one; echo two >&2; head -c 20000 /dev/zero | tr "\\0" x; echo; read x; echo three';
      const logger = await pod.run(script, { log_path: name, stdin: true });
      const file = path.join(pod.logs, name);
      const read = () => fs.readFileSync(file, 'utf8').split('\n').filter(Boolean);
      for (let tries = 0; read().length < 4 && tries < 100; tries++) await sleep(50);
      const lines = read();
      const found = lines.map((line) => /^(\S+) (stdout|stderr) ([FP]) (.*)$/.exec(line));
      for (const [, time] of found.map((each) => each ?? []))
        assert.ok(Number.isFinite(Date.parse(time ?? '')), lines.join('\n'));
      const of = (stream: string) =>
        found.filter((each) => each?.[2] === stream).map((each) => [each![3], each![4]!.length]);
      assert.deepEqual(of('stderr'), [['F', 3]]);
      assert.deepEqual(of('stdout'), [
        ['F', 3],
        ['P', 16384],
        ['F', 3616],
      ]);
      fs.renameSync(file, `${file}.1`);
      await node.cri.call('ReopenContainerLog', { container_id: logger });
      const stream = new KubeStream(await node.cri.stream('Attach', { container_id: logger, stdin: true }), node.netns);
      stream.send(CHANNEL.stdin, '\n');
      await pod.exited(logger);
      assert.deepEqual(pod.log(name), ['three']);
    });

    it('measures containers and the pod', LIMIT, async () => {
      const busy = await pod.run('while :; do :; done');
      const cpu = async () => (await node.cri.stats(busy)).cpu!.usage_core_nano_seconds.value;
      const first = await cpu();
      await sleep(1500);
      const used = (await cpu()) - first;
      assert.ok(used > 0.2e9, `${used} ns`);
      const { memory } = await node.cri.stats(id);
      assert.ok(memory!.working_set_bytes.value > 0 && memory!.working_set_bytes.value < 64 * MIB);
      const stats = await node.cri.podStats(pod.id);
      const container = stats.containers.find(({ attributes }) => attributes.id === busy);
      assert.ok(container!.cpu!.usage_core_nano_seconds.value > used);
      assert.equal(stats.network?.default_interface?.name, 'eth0');
      await node.cri.stop(busy);
    });

    it('changes the limits of a container that runs', LIMIT, async () => {
      const one = await pod.run(
        'sleep 3600',
        limited({ memory_limit_in_bytes: 64 * MIB, cpu_quota: 50_000, cpu_period: 100_000 }),
      );
      const limits = 'cd /sys/fs/cgroup; cat memory.max cpu.max';
      assert.equal(await pod.exec(one, limits), `${64 * MIB}\n50000 100000\n`);
      const linux = { memory_limit_in_bytes: 96 * MIB, cpu_quota: 70_000, cpu_period: 100_000 };
      await node.cri.call('UpdateContainerResources', { container_id: one, linux });
      assert.equal(await pod.exec(one, limits), `${96 * MIB}\n70000 100000\n`);
      await node.cri.stop(one);
    });

    it('says OOMKilled of a container that takes more memory than it may', LIMIT, async () => {
      const limits = limited({ memory_limit_in_bytes: 24 * MIB });
      const eater = await pod.run('exec dd if=/dev/zero of=/dev/null bs=200M count=1', limits);
      const { exit_code, reason } = await pod.exited(eater);
      assert.deepEqual([exit_code, reason], [137, 'OOMKilled']);
    });

    it("runs as whom the pod says, with the groups of the pod and the image's own user", LIMIT, async () => {
      const who = 'id -u; id -g; id -G';
      const groups = { run_as_user: number(1234), run_as_group: number(2345), supplemental_groups: [3456, 4567] };
      assert.deepEqual((await pod.finish(who, secured(groups))).log, ['1234', '2345', '2345 3456 4567']);
      const image = { image: { image: 'kata-ts.test/www:latest' } };
      assert.deepEqual((await pod.finish(who, image)).log, ['33', '33', '33']);
    });

    it('gives and takes capabilities, ALL too', LIMIT, async () => {
      const masks = 'grep -E "CapEff|CapBnd" /proc/self/status | cut -f2';
      const of = async (capabilities: Fields) => (await pod.finish(masks, secured({ capabilities }))).log;
      assert.deepEqual(await of({ drop_capabilities: ['ALL'] }), ['0000000000000000', '0000000000000000']);
      assert.deepEqual(await of({ drop_capabilities: ['ALL'], add_capabilities: ['NET_BIND_SERVICE'] }), [
        '0000000000000400',
        '0000000000000400',
      ]);
      const [effective] = await of({ add_capabilities: ['ALL'] });
      assert.equal(BigInt(`0x${effective}`) & (1n << 21n), 1n << 21n, 'CAP_SYS_ADMIN');
    });

    it('applies seccomp: the default, a profile of the node, or none', LIMIT, async () => {
      const profile = node.path('no-mkdir.json');
      fs.mkdirSync(path.dirname(profile), { recursive: true });
      const syscalls = [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' }];
      fs.writeFileSync(profile, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls }));
      const script =
        'grep "^Seccomp:" /proc/self/status; mkdir /x 2>&1 | grep -o "not permitted"; unshare -u true 2>&1 | grep -o "not permitted"';
      const of = async (seccomp: Fields, more = {}) => (await pod.finish(script, secured({ seccomp, ...more }))).log;
      const admin = { capabilities: { add_capabilities: ['SYS_ADMIN'] } };
      assert.deepEqual(await of({ profile_type: 'RuntimeDefault' }), ['Seccomp:\t2', 'not permitted']);
      assert.deepEqual(await of({ profile_type: 'Localhost', localhost_ref: profile }, admin), [
        'Seccomp:\t2',
        'not permitted',
      ]);
      assert.deepEqual(await of({ profile_type: 'Unconfined' }, admin), ['Seccomp:\t0']);
    });

    it('has a read-only root, paths masked or protected, and no new privileges when asked', LIMIT, async () => {
      const script =
        'touch /x 2>&1; cat /proc/timer_list | wc -c; touch /proc/sys/kernel/hostname 2>&1; grep NoNewPrivs /proc/self/status';
      const context = {
        readonly_rootfs: true,
        no_new_privs: true,
        masked_paths: ['/proc/timer_list'],
        readonly_paths: ['/proc/sys'],
      };
      assert.deepEqual(
        (await pod.finish(script, secured(context))).log.map((line) => line.replace(/^touch: /, '')),
        ['/x: Read-only file system', '0', '/proc/sys/kernel/hostname: Read-only file system', 'NoNewPrivs:\t1'],
      );
    });

    it("gives a privileged container the guest's devices and every right", LIMIT, async () => {
      const script = 'mkdir -p /mnt; mount -t tmpfs x /mnt && echo mounted; grep CapEff /proc/self/status';
      const { log } = await pod.finish(script, secured({ privileged: true }));
      assert.ok(log.includes('mounted'), log.join('\n'));
      assert.match(log.at(-1)!, /CapEff:\t000001ff/);
    });

    it("stops with the image's signal, waits as long as it is told, then kills", LIMIT, async () => {
      const image = { image: { image: 'kata-ts.test/usr1:latest' } };
      const good = await pod.run('trap "exit 44" USR1; while :; do sleep 0.1; done', image);
      await pod.exec(good, 'true');
      await node.cri.stop(good, 10);
      assert.equal((await node.cri.status(good)).exit_code, 44);
      const deaf = await pod.run('trap "" TERM; while :; do sleep 0.1; done');
      await pod.exec(deaf, 'true');
      const start = performance.now();
      await node.cri.stop(deaf, 2);
      const tookMs = performance.now() - start;
      assert.equal((await node.cri.status(deaf)).exit_code, 137);
      assert.ok(tookMs > 1900 && tookMs < 6000, `${tookMs} ms`);
    });

    it('names the pod and its resolver', LIMIT, async () => {
      const script = 'hostname; cat /etc/hostname; cat /etc/resolv.conf';
      const name = (pod.config.metadata as { name: string }).name;
      const lines = (await pod.exec(id, script)).trim().split('\n');
      assert.deepEqual(lines, [name, name, 'search test.local', 'nameserver 10.9.8.7', 'options ndots:2']);
    });

    it('forwards a port to what listens in the pod, also at 127.0.0.1 alone', LIMIT, async () => {
      const server = await pod.run('mkdir /www; seq 100000 > /www/big; httpd -f -p 127.0.0.1:8080 -h /www');
      await pod.exec(server, 'until wget -qO /dev/null http://127.0.0.1:8080/big; do sleep 0.1; done');
      const url = await node.cri.stream('PortForward', { pod_sandbox_id: pod.id, port: [8080] });
      const [data, error] = [0, 1];
      const stream = new KubeStream(`${url}?port=8080`, node.netns);
      stream.send(data, 'GET /big HTTP/1.0\r\n\r\n');
      await stream.until(data, /200 OK[\s\S]*\n99999\n100000\n$/);
      assert.equal(stream.text(data, true).length, stream.text(data, true).indexOf('\r\n\r\n') + 4 + 588895);
      assert.equal(stream.text(error, true), '');
      stream.close();
      // Where nobody listens, the connection ends.
      const other = await node.cri.stream('PortForward', { pod_sandbox_id: pod.id, port: [9] });
      const none = new KubeStream(`${other}?port=9`, node.netns);
      none.send(data, 'anything');
      await none.closed;
      await node.cri.stop(server);
    });
  });
}
