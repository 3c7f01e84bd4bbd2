/** What was found of KVM. An empty string means that it worked, else it is the errno's name. */
export interface KvmFacts {
  device: string;
  /** Of open(2) for reading and writing. */
  open: string;
  /** 12 on every kernel since 2007. */
  apiVersion: number;
  /** Of KVM_CREATE_VM. */
  createVm: string;
  /** Those of kvm_intel, kvm_amd and kvm_pvm that are there. */
  modules: readonly string[];
}

/** What runs the guest's code, and why. */
export interface Accelerator {
  name: 'kvm' | 'tcg';
  /** One sentence for the log and for `kata-runtime check`. */
  reason: string;
  /** How to get the first choice, when this is the second. */
  hint?: string;
}

const API_VERSION = 12;

/** KVM when it serves, else emulation by TCG. */
export function judgeKvm(facts: KvmFacts): Accelerator {
  const { device, open, apiVersion, createVm, modules } = facts;
  if (open === 'ENOENT' || open === 'ENODEV' || open === 'ENXIO')
    return emulated(
      `there is no KVM: ${device}: ${open}`,
      'load kvm_intel or kvm_amd, or enable nested virtualization',
    );
  if (open === 'EACCES' || open === 'EPERM')
    return emulated(`${device} may not be opened: ${open}`, `allow this process to read and write ${device}`);
  if (open !== '') return emulated(`${device} cannot be opened: ${open}`, `see why with: head -c 0 <> ${device}`);
  if (apiVersion !== API_VERSION)
    return emulated(`KVM's API version ${API_VERSION} is expected, found ${apiVersion}`, `see what ${device} is`);
  if (createVm !== '') return emulated(`KVM refuses to create a VM: ${createVm}`, 'see dmesg for what KVM says');
  // A pagetable-based KVM runs only guests that were built for it; with a stock kernel the VM starts and stays silent.
  if (modules.includes('kvm_pvm') && !modules.some((name) => name !== 'kvm_pvm'))
    return emulated(
      `${device} is kvm_pvm's, which does not boot a stock kernel`,
      'use a host with Intel VT-x or AMD-V, or nested virtualization',
    );
  return { name: 'kvm', reason: `KVM serves (${[device, ...modules].join(', ')})` };
}

const emulated = (why: string, hint: string): Accelerator => ({ name: 'tcg', reason: `TCG (emulation): ${why}`, hint });
