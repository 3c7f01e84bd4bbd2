// node bench/run.mjs memory [--dist FOLDER]… [--calm]: what the shim of a pod and the guest's agent take.
import fs from 'node:fs';
import { AgentVm } from '../test/harness/agent-vm.ts';
import { benchOptions } from './lib/options.ts';
import { resident, Shim, Workplace } from './lib/shim.ts';

const options = await benchOptions(1);
const workplace = new Workplace();
const mib = (kib: number): string => `${(kib / 1024).toFixed(2)} MiB`;
const idle = () => new Promise((resolve) => setTimeout(resolve, 2000));

for (const dist of options.dists) {
  const shim = new Shim(dist, workplace, { args: ['sleep', '3600'] });
  await shim.run();
  await idle();
  const tell = (when: string) => {
    const { rssKib, pssKib } = resident(shim.pid);
    console.log(`  ${when.padEnd(30)} Rss ${mib(rssKib)}  Pss ${mib(pssKib)}`);
  };
  console.log(`the shim of a pod (${dist})`);
  tell('idle, one container runs');
  for (let i = 0; i < 50; i++) await shim.exec(`e${i}`, ['true']);
  tell('after 50 execs');
  await shim.exec('big', ['dd', 'if=/dev/zero', 'bs=1M', 'count=64'], { stdout: 'file:///dev/null' });
  tell('after 64 MiB of output');
  await shim.end();
}
workplace.close();

const bytes = fs.statSync(process.env.KATA_TS_AGENT ?? '').size;
console.log(`the agent\n  on disk                        ${mib(bytes / 1024)}`);
const vm = await AgentVm.boot();
try {
  await vm.agent.createSandbox({ sandboxId: 'bench', hostname: 'bench' });
  await idle();
  const { metrics } = await vm.agent.getMetrics({});
  const rss = /^kata_agent_total_rss\S* ([\d.e+]+)$/m.exec(metrics)?.[1];
  if (rss === undefined) throw new Error(`kata_agent_total_rss is expected in:\n${metrics}`);
  console.log(`  resident, a sandbox is there   Rss ${mib(Number(rss) / 1024)}`);
} finally {
  await vm.close();
}
