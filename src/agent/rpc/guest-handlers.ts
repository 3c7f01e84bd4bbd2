import { KataError } from '../../errors/kata-error.ts';
import { setWallClock } from '../guest/clock.ts';
import { hasMemoryProbe, memoryBlockBytes, onlineCpus, onlineMemory, probeMemory } from '../guest/cpus-and-memory.ts';
import { reseedRandom } from '../guest/random.ts';
import { addSwap } from '../guest/swap.ts';
import { DEVICE_TYPES } from '../hotplug/guest-devices.ts';
import { waitForPciDisk } from '../hotplug/pci-device.ts';
import { collectMetrics } from '../metrics/collect-metrics.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { STORAGE_DRIVERS } from '../storage/drivers.ts';
import { LAYERS_DRIVER } from '../storage/layer-group.ts';
import { AGENT_VERSION } from '../version.ts';
import type { SomeHandlers } from './handlers.ts';

type Name =
  | 'onlineCPUMem'
  | 'memHotplugByProbe'
  | 'reseedRandomDev'
  | 'setGuestDateTime'
  | 'getGuestDetails'
  | 'getMetrics'
  | 'addSwap'
  | 'addSwapPath'
  | 'memAgentMemcgSet'
  | 'memAgentCompactSet';

const HINT_MEM_AGENT = 'take [agent.kata.mem_agent] out of the configuration';

/** The guest itself: its CPUs, memory, clock and numbers. */
export function guestHandlers(sandbox: Sandbox): SomeHandlers<Name> {
  const noMemoryAgent = (): never => {
    throw new KataError('unimplemented', 'this guest has no memory agent', { hint: HINT_MEM_AGENT });
  };
  return {
    async onlineCPUMem({ nbCpus, cpuOnly }) {
      if (nbCpus > 0) await onlineCpus(nbCpus);
      if (!cpuOnly) onlineMemory();
    },

    memHotplugByProbe({ memHotplugProbeAddr }) {
      probeMemory(memHotplugProbeAddr);
    },

    reseedRandomDev({ data }) {
      reseedRandom(data);
    },

    setGuestDateTime({ Sec, Usec }) {
      setWallClock(Sec, Usec);
    },

    getGuestDetails({ memBlockSize, memHotplugProbe }) {
      return {
        memBlockSizeBytes: memBlockSize ? memoryBlockBytes() : 0n,
        supportMemHotplugProbe: memHotplugProbe && hasMemoryProbe(),
        agentDetails: {
          version: AGENT_VERSION,
          initDaemon: true,
          deviceHandlers: [...DEVICE_TYPES],
          storageHandlers: [...STORAGE_DRIVERS.map(({ name }) => name), LAYERS_DRIVER],
          supportsSeccomp: true,
          extraFeatures: [],
        },
      };
    },

    getMetrics() {
      return { metrics: collectMetrics() };
    },

    async addSwap({ PCIPath }) {
      const path = PCIPath.map((slot) => slot.toString(16).padStart(2, '0')).join('/');
      addSwap(await waitForPciDisk(path, sandbox.parameters.hotplugTimeoutMs));
    },

    addSwapPath({ path }) {
      addSwap(path);
    },

    memAgentMemcgSet: noMemoryAgent,
    memAgentCompactSet: noMemoryAgent,
  };
}
