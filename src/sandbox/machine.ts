import { syscall } from 'sys';
import type { Config } from '../config/config.ts';
import type { MachineOptions, MachineSize, Snapshot } from '../hypervisor/hypervisor.ts';
import type { GuestSource } from '../hypervisor/qemu/guest-source.ts';
import { Qemu } from '../hypervisor/qemu/qemu.ts';
import { killSaved, type SavedProcess, saveProcess, startTimeOf } from '../hypervisor/qemu/saved-process.ts';
import { sandboxSize } from '../oci/annotations.ts';
import type { OciSpec } from '../oci/spec.ts';
import { availableCpus } from '../os/cpus.ts';
import { NR } from '../syscall/numbers.ts';
import { GuestSize } from './guest-size.ts';
import { mostMemoryMib } from './most-memory.ts';
import type { SandboxLog } from './sandbox-log.ts';
import { wantedByPod, wantedSize } from './wanted-size.ts';

/** What the configuration makes of a VM. */
export function machineOptions(config: Config, sandboxId: string): MachineOptions {
  const { hypervisor } = config;
  const vcpus = hypervisor.defaultVcpus || availableCpus();
  return {
    sandboxId,
    kernelPath: hypervisor.kernelPath,
    initrdPath: hypervisor.initrdPath,
    kernelParams: [...agentParams(config), ...hypervisor.kernelParams],
    memoryMib: hypervisor.defaultMemoryMib,
    vcpus,
    maxMemoryMib: mostMemoryMib(config),
    maxVcpus: Math.max(vcpus, hypervisor.maxVcpus || availableCpus()),
    memorySlots: hypervisor.memorySlots,
  };
}

/** How large the VM of a sandbox is to be, whose first container has this spec. */
export function guestSize(config: Config, { annotations, linux }: OciSpec, log: SandboxLog): GuestSize {
  const base = machineOptions(config, '');
  const fixed = (): MachineSize =>
    wantedByPod(base, sandboxSize(annotations)) ?? wantedSize(base, [linux?.resources ?? {}]);
  return new GuestSize({
    base,
    fixed: config.runtime.staticSandboxResourceMgmt ? fixed() : null,
    warn: (message) => log.warning(message),
  });
}

/** A VM that is not started yet, as the configuration wants it. */
export function newMachine(config: Config, sandboxId: string, log: SandboxLog, snapshot: Snapshot | null): Qemu {
  const { hypervisor } = config;
  const isDebugged = hypervisor.enableDebug || config.agent.enableDebug;
  const listeners = {
    log: (message: string) => log.info(message),
    // What the guest says is the guest's word, and there is much of it: only on request.
    ...(isDebugged ? { consoleLine: (line: string) => log.debug(`console: ${line}`) } : {}),
  };
  const source: GuestSource = snapshot === null ? { kind: 'boot' } : { kind: 'clone', snapshot };
  return new Qemu(hypervisor, machineOptions(config, sandboxId), listeners, source);
}

/** What the agent is told on the kernel's command line (kata-facts §3.4); `agent.fix_mtab` is ours. */
function agentParams({ agent, runtime }: Config): string[] {
  const params: string[] = [];
  if (agent.enableDebug) params.push('agent.log=debug');
  // Unlike Kata: a process may take as long to be set up as its container. Upstream's 6 s are short for a busy host
  // without KVM, and the caller's own limit holds anyway.
  const launchMs = agent.launchProcessTimeoutMs || runtime.createContainerTimeoutMs;
  params.push(`agent.launch_process_timeout=${Math.ceil(launchMs / 1000)}`);
  if (agent.containerPipeSizeBytes > 0) params.push(`agent.container_pipe_size=${agent.containerPipeSizeBytes}`);
  if (agent.debugConsoleEnabled) params.push('agent.debug_console');
  if (runtime.fixMtab === 'off') params.push('agent.fix_mtab=off');
  return params;
}

/** Whether a process that was saved still runs; another one of its number does not count. */
export function isRunning({ pid, startTime }: SavedProcess): boolean {
  return startTimeOf(pid) === startTime;
}

/** Ends a process of a sandbox whose shim is gone; nothing to end is fine. */
export async function endProcess(saved: SavedProcess): Promise<void> {
  await killSaved(saved);
}

/** This process, for whoever must end it should it hang. */
export function savedSelf(): SavedProcess | null {
  return saveProcess(syscall(NR.getpid));
}
