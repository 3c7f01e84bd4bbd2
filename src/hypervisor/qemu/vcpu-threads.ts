import { listDirectoryIfExists } from '../../os/directory.ts';
import { isErrno } from '../../os/errno.ts';
import { readTextIfExists } from '../../os/file.ts';

/** As QEMU names the threads that run the guest (`debug-threads=on`): `CPU 0/KVM`, `CPU 1/TCG`; one for all, `ALL CPUs/TCG`. */
const NAME = /^(?:CPU (\d+)|ALL CPUs)\//;

/**
 * The threads of a QEMU that run its vCPUs, the first vCPU's first; none when it is gone. By their names: QMP's
 * `query-cpus-fast` tells those of the QEMU that was saved, which a restored one's are not.
 */
export function vcpuThreads(pid: number): number[] {
  const threads = listDirectoryIfExists(`/proc/${pid}/task`).flatMap((tid) => {
    const match = NAME.exec(nameOf(pid, tid));
    return match === null ? [] : [{ tid: Number(tid), vcpu: Number(match[1] ?? 0) }];
  });
  return threads.sort((a, b) => a.vcpu - b.vcpu).map(({ tid }) => tid);
}

function nameOf(pid: number, tid: string): string {
  try {
    return readTextIfExists(`/proc/${pid}/task/${tid}/comm`) ?? '';
  } catch (error) {
    // It ended between open and read.
    if (isErrno(error, 'ESRCH')) return '';
    throw error;
  }
}
