import type { Config } from '../config/config.ts';
import { hostMemoryMib } from '../os/host-memory.ts';

/** More than any host of today; the processors that QEMU emulates reach no further than 1 TiB. */
const MAX_MEMORY_MIB = 512 * 1024;

/** How much memory a VM can have in the end. */
export function mostMemoryMib({ hypervisor }: Config): number {
  const { defaultMemoryMib, maxMemoryMib, memorySlots } = hypervisor;
  if (memorySlots === 0) return defaultMemoryMib;
  return Math.max(defaultMemoryMib, maxMemoryMib || Math.min(hostMemoryMib(), MAX_MEMORY_MIB));
}
