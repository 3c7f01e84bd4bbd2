import { KataError } from '../../errors/kata-error.ts';

const EPERM = 1;
export const ENOSYS = 38;

/** What a filter returns to the kernel (linux/seccomp.h). */
export const RET = {
  KILL_PROCESS: 0x8000_0000,
  KILL_THREAD: 0,
  TRAP: 0x0003_0000,
  ERRNO: 0x0005_0000,
  TRACE: 0x7ff0_0000,
  LOG: 0x7ffc_0000,
  ALLOW: 0x7fff_0000,
} as const;

/** Largest errno that a system call can return; the kernel cuts what is larger. */
const MAX_ERRNO = 4095;

/**
 * An action of the runtime-spec as the filter's return value. `errnoRet` is ERRNO's errno and TRACE's message, EPERM when
 * it is not given. Throws `unimplemented` for NOTIFY, whose listener would be on the host.
 */
export function returnValue(action: string, errnoRet: number | undefined, path: string): number {
  switch (action) {
    case 'SCMP_ACT_ALLOW':
      return RET.ALLOW;
    case 'SCMP_ACT_ERRNO':
      return RET.ERRNO + Math.min(errnoRet ?? EPERM, MAX_ERRNO);
    case 'SCMP_ACT_KILL':
    case 'SCMP_ACT_KILL_THREAD':
      return RET.KILL_THREAD;
    case 'SCMP_ACT_KILL_PROCESS':
      return RET.KILL_PROCESS;
    case 'SCMP_ACT_TRAP':
      return RET.TRAP;
    case 'SCMP_ACT_TRACE':
      return RET.TRACE + ((errnoRet ?? EPERM) & 0xffff);
    case 'SCMP_ACT_LOG':
      return RET.LOG;
    case 'SCMP_ACT_NOTIFY':
      throw new KataError('unimplemented', `${path}: expected an action without a listener, found ${action}`, {
        hint: 'use a seccomp profile without SCMP_ACT_NOTIFY',
      });
    default:
      throw new KataError('invalid-argument', `${path}: expected an action like SCMP_ACT_ALLOW, found '${action}'`, {
        hint: 'correct the seccomp profile',
      });
  }
}

/** Whether a call with this outcome goes on; a tracer counts, since it can answer for calls that it doesn't know. */
export function goesOn(ret: number): boolean {
  const kind = (ret & 0xffff_0000) >>> 0;
  return kind === RET.ALLOW || kind === RET.LOG || kind === RET.TRACE;
}
