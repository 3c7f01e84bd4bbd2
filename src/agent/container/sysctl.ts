import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { check } from '../../os/errno.ts';
import { writeControl } from '../../os/file.ts';
import { utf8Encode } from '../../os/utf8.ts';
import { NR } from '../../syscall/numbers.ts';

/** Where a sysctl stands below `/proc/sys`: `net.ipv4.ip_forward`, or with slashes where a name holds a dot. */
export function sysctlPath(name: string): string {
  const firstDot = name.indexOf('.');
  const firstSlash = name.indexOf('/');
  const slashes = firstSlash >= 0 && (firstDot < 0 || firstSlash < firstDot);
  // As sysctl(8): where dots separate, a slash stands for a dot inside a name.
  const parts = slashes ? name.split('/') : name.split('.').map((part) => part.replaceAll('/', '.'));
  if (parts.some((part) => part === '' || part === '..' || part === '.'))
    throw new KataError(
      'invalid-argument',
      `a sysctl like net.ipv4.ip_forward is expected, found ${JSON.stringify(name)}`,
    );
  return `/proc/sys/${parts.join('/')}`;
}

/** Sets the sysctls of a container, in whose namespaces this process already is, by the guest's own `/proc`. */
export function applySysctls(sysctls: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(sysctls)) writeControl(sysctlPath(name), value);
}

/** Sets the host name of this uts namespace (sethostname(2)). */
export function setHostname(hostname: string): void {
  const name = utf8Encode(hostname);
  check(syscall(NR.sethostname, name, name.length), `set the host name ${hostname}`);
}
