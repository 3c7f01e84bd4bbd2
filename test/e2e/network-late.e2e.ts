// Docker and nerdctl connect a container's network namespace between Create and Start.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { busyboxRoot, DirectShim, makeBundle } from '../harness/direct-shim.ts';
import { NetworkSuite } from '../harness/network-suite.ts';

const LIMIT = { timeout: 120_000 };
const suite = new NetworkSuite();
let folder: string;
let root: string;
before(async () => {
  folder = fs.mkdtempSync('/tmp/kata-ts-late-');
  root = await busyboxRoot(folder);
});
after(async () => {
  await DirectShim.endAll();
  fs.rmSync(folder, { recursive: true, force: true });
});

/** How the spec names the namespace. */
const ways: Record<string, (spec: { linux: { namespaces: object[] }; annotations: object }, place: string) => void> = {
  'the spec': (spec, place) => spec.linux.namespaces.push({ type: 'network', path: place }),
  'nerdctl’s annotation': (spec, place) => {
    spec.linux.namespaces.push({ type: 'network' });
    spec.annotations = { 'nerdctl/network-namespace': place };
  },
};

describe('a network that comes between Create and Start', () => {
  for (const [origin, changes] of [
    ['a template', {}],
    ['a kernel that boots', { enable_template: 'false' }],
  ] as [string, Record<string, string>][])
    for (const [way, edit] of Object.entries(ways))
      it(`is there for the first process: ${origin}, a namespace named by ${way}`, LIMIT, async () => {
        const { pod } = suite.net;
        pod.ip('addr', 'flush', 'dev', 'eth0');
        const script = 'ip -o link | cut -d: -f2; nc 10.77.0.1 7000; nc fd77::1 7001';
        for (const port of ['7000', '7001'])
          suite.net.node.spawn('busybox', 'nc', '-l', '-p', port, '-e', 'echo', port);
        const id = `late-${path.basename(pod.path)}`;
        const bundle = makeBundle(folder, id, root, ['sh', '-c', script], (spec) => edit(spec, pod.path));
        const shim = await DirectShim.start(bundle);
        const stdout = path.join(bundle, 'stdout');
        await shim.create(bundle, { configPath: suite.config(changes), stdout: `file://${stdout}` });
        pod.ip('addr', 'add', '10.77.0.2/24', 'dev', 'eth0');
        pod.ip('addr', 'add', 'fd77::2/64', 'dev', 'eth0', 'nodad');
        pod.ip('route', 'add', 'default', 'via', '10.77.0.1');
        await shim.task.start({ id });
        const { exitStatus } = await shim.task.wait({ id });
        await shim.task.delete({ id });
        const said = fs.readFileSync(stdout, 'utf8');
        assert.equal(exitStatus, 0, `${said}${shim.log}`);
        assert.equal(said, ' lo\n eth0\n7000\n7001\n');
        await shim.end();
      });
});
