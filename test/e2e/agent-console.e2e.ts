// The agent's debug console: there when the kernel's command line says so, and not otherwise.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GUEST_CONSOLE } from '../../src/oci/guest-console.ts';
import { Process } from '../../src/protocols/gen/oci.ts';
import { AgentVm } from '../harness/agent-vm.ts';

const LIMIT = { timeout: 120_000 };
const console = { containerId: GUEST_CONSOLE, execId: 'one' };
/** The guest has one program of its own: the agent, which tells its version. */
const request = {
  ...console,
  ...{ stringUser: undefined, stdinPort: 0, stdoutPort: 0, stderrPort: 0 },
  process: { ...Process.decode(new Uint8Array()), args: ['/init', '--version'], cwd: '/' },
};

describe('an agent whose debug console may be opened', () => {
  it('runs a program in the guest itself, and tells its output and its end', LIMIT, async () => {
    const vm = await AgentVm.boot({ append: 'agent.debug_console' });
    try {
      const { pid } = await vm.agent.execProcess(request);
      assert.ok(pid > 1);
      assert.equal((await vm.agent.waitProcess(console)).status, 0);
      const { data } = await vm.agent.readStdout({ ...console, len: 1000 });
      assert.match(Buffer.from(data).toString(), /^kata-agent \d+\.\d+\.\d+/);
      await assert.rejects(vm.agent.execProcess(request), /already has a process one/);
      const missing = { ...request, execId: 'two', process: { ...request.process, args: ['/nowhere'] } };
      await assert.rejects(vm.agent.execProcess(missing), /nowhere/);
    } finally {
      await vm.close();
    }
  });
});

describe('an agent that was not told so', () => {
  it('has no console', LIMIT, async () => {
    const vm = await AgentVm.boot();
    try {
      await assert.rejects(vm.agent.execProcess(request), /there is no container "\.guest" in this sandbox/);
    } finally {
      await vm.close();
    }
  });
});
