import type { Config, KernelModuleConfig } from '../config/config.ts';
import type { OciSpec } from '../oci/spec.ts';
import { readTextIfExists } from '../os/file.ts';
import type { CreateSandboxRequest } from '../protocols/gen/agent.ts';
import { GUEST_SHM } from './guest-paths.ts';

/** By which the guest tells what it has freed. */
const BALLOON: KernelModuleConfig = { name: 'virtio_balloon', parameters: [] };
const SHM_BYTES = 64 * 2 ** 20;

/** What the agent is told of a new sandbox: its name, its resolver, and the shared memory of its containers. */
export function sandboxRequest(sandbox: {
  id: string;
  hostname: string;
  dns: string[];
  kernelModules: readonly KernelModuleConfig[];
  guestHookPath?: string;
}): CreateSandboxRequest {
  return {
    hostname: sandbox.hostname,
    dns: sandbox.dns,
    storages: [
      {
        driver: 'ephemeral',
        driverOptions: [],
        source: 'shm',
        fstype: 'tmpfs',
        options: ['noexec', 'nosuid', 'nodev', 'mode=1777', `size=${SHM_BYTES}`],
        mountPoint: GUEST_SHM,
        fsGroup: undefined,
        shared: false,
      },
    ],
    sandboxPidns: false,
    sandboxId: sandbox.id,
    guestHookPath: sandbox.guestHookPath ?? '',
    kernelModules: sandbox.kernelModules.map(({ name, parameters }) => ({ name, parameters: [...parameters] })),
  };
}

/** The same for a sandbox of this configuration, whose first container's spec names its host and resolver. */
export function requestOf(id: string, { config, spec }: { config: Config; spec: OciSpec }): CreateSandboxRequest {
  const { agent, hypervisor } = config;
  const resolver = spec.mounts?.find((mount) => mount.destination === '/etc/resolv.conf')?.source;
  return sandboxRequest({
    id,
    hostname: spec.hostname ?? '',
    dns: (resolver === undefined ? '' : (readTextIfExists(resolver) ?? '')).split('\n').filter(Boolean),
    guestHookPath: hypervisor.guestHookPath,
    kernelModules: [...agent.kernelModules, ...(hypervisor.reclaimGuestFreedMemory ? [BALLOON] : [])],
  });
}
