import type { MachineOptions } from '../hypervisor.ts';
import type { Accelerator } from './judge-kvm.ts';

/**
 * Emulated vCPUs are threads that are there from the beginning, and share one buffer for translated code: a machine does not have more
 * of them for want of a limit.
 */
const MOST_EMULATED = 8;

type Vcpus = Pick<MachineOptions, 'vcpus' | 'maxVcpus'>;

/**
 * Whether further vCPUs are plugged in; otherwise they are there from the beginning, and the guest's kernel leaves them alone
 * until the agent takes them into use. Linux (6.12.58 and later) takes no vCPU that is plugged in unless it knows its hypervisor,
 * and it does not know TCG.
 */
export const plugsVcpus = (accelerator: Accelerator['name']): boolean => accelerator === 'kvm';

/** How many vCPUs a machine can have in the end. */
export const mostVcpus = ({ vcpus, maxVcpus }: Vcpus, accelerator: Accelerator['name']): number =>
  Math.max(vcpus, plugsVcpus(accelerator) ? maxVcpus : Math.min(maxVcpus, MOST_EMULATED));
