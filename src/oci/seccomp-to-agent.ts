import type { LinuxSeccomp } from '../protocols/gen/oci.ts';
import type { OciSeccomp } from './spec.ts';

/** A system call filter as the agent takes it. A listener (SCMP_ACT_NOTIFY) is refused before (`validate.ts`). */
export function seccompToAgent(seccomp: OciSeccomp): LinuxSeccomp {
  return {
    defaultAction: seccomp.defaultAction,
    defaultErrnoRet: seccomp.defaultErrnoRet,
    architectures: [...(seccomp.architectures ?? [])],
    flags: [...(seccomp.flags ?? [])],
    syscalls: (seccomp.syscalls ?? []).map((rule) => ({
      names: [...rule.names],
      action: rule.action,
      errnoRet: rule.errnoRet,
      args: (rule.args ?? []).map(({ index, value, valueTwo, op }) => ({
        index: BigInt(index),
        value: BigInt(value),
        valueTwo: BigInt(valueTwo ?? 0),
        op,
      })),
    })),
  };
}
