import { KataError } from '../../errors/kata-error.ts';
import { after } from '../../os/timer.ts';
import { onUevent } from './uevent-monitor.ts';

/**
 * What `find` finds, which looks into sysfs: now, or as soon as the kernel has told of a device that changes its answer.
 * `deadline-exceeded` after `timeoutMs`.
 * @param what the device, for the message: `SCSI disk 0:3`
 */
export function waitForDevice(find: () => string | null, what: string, timeoutMs: number): Promise<string> {
  const found = find();
  if (found !== null) return Promise.resolve(found);
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      unsubscribe();
      cancel();
    };
    const unsubscribe = onUevent((event) => {
      if (event.action === 'remove') return;
      try {
        const path = find();
        if (path === null) return;
        stop();
        resolve(path);
      } catch (error) {
        stop();
        reject(error);
      }
    });
    const cancel = after(timeoutMs, () => {
      stop();
      const hint = 'see that the host has plugged it in, or raise agent.hotplug_timeout';
      reject(
        new KataError('deadline-exceeded', `${what} is expected to appear within ${timeoutMs} ms, it did not`, {
          hint,
        }),
      );
    });
  });
}
