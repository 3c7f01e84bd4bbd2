// node bench/run.mjs NAME [OPTION…]: runs bench/NAME.ts, on what set-up has built, in namespaces of its own: whatever a
// measurement that fails leaves running or mounted ends with it.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bundleForNode } from '../setup/bundle.mjs';
import { cniPlugins, fetchCniPlugins } from '../setup/cni-plugins.mjs';
import { containerds, fetchContainerds } from '../setup/containerds.mjs';
import { isolated } from '../setup/isolation.mjs';
import { withLock } from '../setup/lock.mjs';
import { agentBinary, build, dist, root } from '../setup/paths.mjs';
import { fetchPeers, peers } from '../setup/peers.mjs';
import { main, runVisibly, SetupError } from '../setup/run.mjs';

/** Those that measure against other runtimes, which set-up does not need. */
const withPeers = ['start', 'scale', 'cri'];

/** Those that make interfaces: in a network namespace of their own. */
const withNetwork = ['cri'];

await main(async () => {
  const [name = '', ...options] = process.argv.slice(2);
  const known = fs.readdirSync(path.join(root, 'bench')).flatMap((entry) => entry.match(/^(.*)\.ts$/)?.[1] ?? []);
  if (!known.includes(name)) throw new SetupError(`one of ${known.join(', ')} is expected, found "${name}"`);
  if (!fs.existsSync(path.join(dist, 'bin/kata-runtime'))) throw new SetupError('nothing is built yet: run npm start');
  if (spawnSync('qemu-system-x86_64', ['--version']).error) throw new SetupError('QEMU is missing: run npm start');
  if (withPeers.includes(name)) {
    await withLock(async () => {
      await fetchPeers();
      await fetchContainerds();
      await fetchCniPlugins();
    });
  }
  const folder = path.join(build, 'bench', String(process.pid));
  // A measurement that is ended in the middle cannot always clear up behind itself.
  const temporary = fs.mkdtempSync(path.join(tmpdir(), 'kata-ts-bench-'));
  try {
    const [bundle = ''] = await bundleForNode([path.join(root, 'bench', `${name}.ts`)], folder);
    const network = withNetwork.includes(name) ? ['unshare', '--net'] : [];
    const command = isolated([...network, process.execPath, '--enable-source-maps', bundle, ...options], 'shared');
    const env = {
      KATA_TS_CONTAINERDS: JSON.stringify(containerds()),
      KATA_TS_CNI: cniPlugins(),
      KATA_TS_PEERS: JSON.stringify(peers()),
      KATA_TS_AGENT: agentBinary,
      TMPDIR: temporary,
    };
    return await runVisibly(command[0] ?? '', command.slice(1), { cwd: root, env });
  } finally {
    for (const each of [folder, temporary]) fs.rmSync(each, { recursive: true, force: true });
  }
});
