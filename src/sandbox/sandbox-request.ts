import type { KernelModuleConfig } from '../config/config.ts';
import type { CreateSandboxRequest } from '../protocols/gen/agent.ts';
import { GUEST_SHM } from './guest-paths.ts';

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
