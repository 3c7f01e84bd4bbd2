import assert from 'node:assert/strict';
import test from 'node:test';
import { parseKernelCommandLine } from './kernel-command-line.ts';

const parameters = (text: string) => parseKernelCommandLine(text).parameters;
const warnings = (text: string) => parseKernelCommandLine(text).warnings;

test('without agent keys the defaults of upstream hold, and nothing is warned about', () => {
  assert.deepEqual(parseKernelCommandLine('quiet panic=-1 root=/dev/sda\n'), {
    parameters: {
      logLevel: 'info',
      server: { vsockPort: 1024 },
      hotplugTimeoutMs: 3000,
      launchProcessTimeoutMs: 6000,
      containerPipeSizeBytes: 0,
      fixMtab: 'auto',
      debugConsole: false,
      developerMode: false,
    },
    warnings: [],
  });
});

test('every key that is acted on is read in its unit', () => {
  const text =
    'agent.log=warn agent.server_addr=vsock://-1:2048 agent.hotplug_timeout=10 agent.launch_process_timeout=20 ' +
    'agent.container_pipe_size=2097152 agent.fix_mtab=off agent.debug_console';
  assert.deepEqual(parseKernelCommandLine(text), {
    parameters: {
      logLevel: 'warn',
      server: { vsockPort: 2048 },
      hotplugTimeoutMs: 10000,
      launchProcessTimeoutMs: 20000,
      containerPipeSizeBytes: 2097152,
      fixMtab: 'off',
      debugConsole: true,
      developerMode: false,
    },
    warnings: [],
  });
});

test('of a key given twice the last counts, as for the kernel', () => {
  assert.equal(parameters('agent.log=debug agent.log=error').logLevel, 'error');
});

test('developer mode logs everything', () => {
  assert.equal(parameters('agent.devmode').logLevel, 'debug');
  assert.equal(parameters('agent.devmode=false').logLevel, 'info');
});

test('a unix address serves tests outside a VM', () => {
  assert.deepEqual(parameters('agent.server_addr=unix:///tmp/agent.sock').server, { unixPath: '/tmp/agent.sock' });
});

test('a malformed value keeps the default and is named', () => {
  assert.equal(parameters('agent.hotplug_timeout=soon').hotplugTimeoutMs, 3000);
  assert.deepEqual(warnings('agent.hotplug_timeout=soon'), [
    'agent.hotplug_timeout is expected to be a number of seconds above 0, found "soon"',
  ]);
  assert.deepEqual(warnings('agent.log'), [
    'agent.log is expected to be critical, error, warn, info, debug, trace, found ""',
  ]);
});

test('a key of upstream that is not acted on is named in a warning, not ignored in silence', () => {
  assert.deepEqual(warnings('agent.debug_console agent.debug_console_vport=1026'), [
    'agent.debug_console_vport has no effect: the debug console is opened over the agent channel, no port is listened at',
  ]);
  assert.equal(warnings('agent.mem_agent_compact_force_times=3').length, 1);
  assert.equal(warnings('agent.mem_agent_enable=false agent.trace=false agent.guest_components_procs=none').length, 0);
});

test('a key that nobody knows is named, also one that every object has', () => {
  assert.deepEqual(warnings('agent.lgo=debug agent.toString=1'), [
    'agent.lgo on the kernel command line is not known',
    'agent.toString on the kernel command line is not known',
  ]);
});

test('quotes hold a value together', () => {
  assert.deepEqual(parameters('dyndbg="file a.c +p" "agent.log=trace"').logLevel, 'trace');
});
