import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { errnoName } from '../../os/errno.ts';
import { AT_FDCWD, close, O } from '../../os/fd.ts';
import { exists } from '../../os/file.ts';
import { NR } from '../../syscall/numbers.ts';
import { type Accelerator, judgeKvm, type KvmFacts } from './judge-kvm.ts';

const KVM_GET_API_VERSION = 0xae00;
const KVM_CREATE_VM = 0xae01;

/** The modules that can be behind `/dev/kvm`, the useful ones first. */
const MODULES = ['kvm_intel', 'kvm_amd', 'kvm_pvm'];

/** Looks at `/dev/kvm` and what is behind it, in some microseconds and with no VM left. */
export function lookAtKvm(device = '/dev/kvm', sysModule = '/sys/module'): KvmFacts {
  const modules = MODULES.filter((name) => exists(`${sysModule}/${name}`));
  const fd = syscall(NR.openat, AT_FDCWD, device, O.RDWR | O.CLOEXEC, 0);
  if (fd < 0) return { device, open: errnoName(-fd), apiVersion: 0, createVm: '', modules };
  try {
    const apiVersion = syscall(NR.ioctl, fd, KVM_GET_API_VERSION, 0);
    const vm = syscall(NR.ioctl, fd, KVM_CREATE_VM, 0);
    close(vm);
    return { device, open: '', apiVersion, createVm: vm < 0 ? errnoName(-vm) : '', modules };
  } finally {
    close(fd);
  }
}

/**
 * What runs the guest's code: `wanted` of the configuration, or what serves best. `failed-precondition` when KVM is asked
 * for and does not serve.
 */
export function chooseAccelerator(wanted: 'auto' | 'kvm' | 'tcg', look: () => KvmFacts = lookAtKvm): Accelerator {
  if (wanted === 'tcg') return { name: 'tcg', reason: 'TCG, because the configuration says accelerator = "tcg"' };
  const judged = judgeKvm(look());
  if (wanted === 'auto' || judged.name === 'kvm') return judged;
  throw new KataError('failed-precondition', `accelerator = "kvm" is configured, but ${judged.reason}`, {
    hint: judged.hint ?? 'set accelerator = "auto"',
  });
}
