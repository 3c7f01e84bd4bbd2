import '../os/polyfill.ts';
import { exit } from 'std';
import { onRejection, syscall } from 'sys';
import { KataError } from '../errors/kata-error.ts';
import { readText, writeControl } from '../os/file.ts';
import { after } from '../os/timer.ts';
import { NR } from '../syscall/numbers.ts';
import { TtrpcServer } from '../ttrpc/server.ts';
import { loadBootModules } from './boot/boot-modules.ts';
import { markReady } from './boot/boot-times.ts';
import { prepareFiles, prepareSystem } from './boot/init.ts';
import { type AgentParameters, parseKernelCommandLine } from './boot/kernel-command-line.ts';
import { isModprobe, loadKernelModule, runModprobe } from './boot/modprobe.ts';
import { powerOff } from './boot/power-off.ts';
import { handleSignals } from './boot/signals.ts';
import { serveChannels } from './channel/channels.ts';
import { startUeventMonitor } from './hotplug/uevent-monitor.ts';
import { openKernelLog } from './log/kmsg.ts';
import { log, setUpLog } from './log/log.ts';
import { registerServices } from './rpc/register-services.ts';
import { Sandbox } from './sandbox/sandbox.ts';
import { AGENT_VERSION } from './version.ts';

/** Where a crash of the guest's processes leaves its memory, in developer mode. */
const CORE_PATTERN = '/run/core.%e.%p';

/**
 * kata-agent, the guest's init. The host waits for its first word, so what that does not need comes after: the channel
 * is served first, kernel modules are loaded while the host is already asking.
 */
function start(): void {
  prepareFiles();
  const { parameters, warnings } = parseKernelCommandLine(readText('/proc/cmdline'));
  setUpLog(openKernelLog(parameters.logLevel), parameters.logLevel);
  let modulesLoaded = (): void => {};
  const modulesReady = new Promise<void>((resolve) => {
    modulesLoaded = resolve;
  });
  const server = new TtrpcServer();
  registerServices(server, new Sandbox(parameters, modulesReady));
  serveChannels(server, parameters.server, () => loadKernelModule('vmw_vsock_virtio_transport'));
  markReady();
  log.info('agent started', { version: AGENT_VERSION });
  for (const warning of warnings) log.warn(warning);
  handleSignals();
  prepareSystem();
  startUeventMonitor();
  prepareDevelopment(parameters);
  loadBootModules().then(modulesLoaded);
}

function prepareDevelopment({ developerMode }: AgentParameters): void {
  if (!developerMode) return;
  writeControl('/proc/sys/kernel/core_pattern', CORE_PATTERN);
  const RLIMIT_CORE = 4;
  syscall(NR.prlimit64, 0, RLIMIT_CORE, new BigUint64Array([2n ** 64n - 1n, 2n ** 64n - 1n]), null);
}

/** What goes wrong where nobody waits for it is a bug: it is told of, and the other containers go on. */
function reportUnhandled(): void {
  const unhandled = new Map<Promise<unknown>, unknown>();
  onRejection((promise, reason, handled) => {
    if (handled) {
      unhandled.delete(promise);
      return;
    }
    if (unhandled.size === 0) after(0, report);
    unhandled.set(promise, reason);
  });
  // Whoever made the promise may be about to wait for it: only those that are still alone later count.
  const report = (): void => {
    for (const error of unhandled.values()) log.critical('a failure that nothing handles', { error });
    unhandled.clear();
  };
}

function main(): void {
  if (isModprobe(scriptArgs[0] ?? '')) exit(runModprobe(scriptArgs));
  if (scriptArgs[1] === '--version') {
    print(`kata-agent ${AGENT_VERSION}`);
    exit(0);
  }
  // It would mount and unmount whatever machine it finds itself on.
  if (syscall(NR.getpid) !== 1) {
    print(
      'kata-agent: expected to be the init of a guest (pid 1), started as an ordinary program; kata-runtime starts it',
    );
    exit(1);
  }
  reportUnhandled();
  try {
    start();
  } catch (error) {
    print(`kata-agent: the guest cannot start: ${KataError.from(error).line}`);
    if (error instanceof Error && error.stack !== undefined) print(error.stack);
    powerOff('the agent could not start');
  }
}

main();
