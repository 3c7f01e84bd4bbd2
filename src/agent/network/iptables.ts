import { KataError } from '../../errors/kata-error.ts';
import { close, O, pipe, setNonBlocking, write } from '../../os/fd.ts';
import { isExecutable } from '../../os/file.ts';
import { run, spawn } from '../../os/process.ts';
import { utf8Encode } from '../../os/utf8.ts';

/** How long iptables-restore may wait for its lock. */
const LOCK_WAIT_SECONDS = 5;

function program(isIpv6: boolean, action: 'save' | 'restore'): string {
  const name = `${isIpv6 ? 'ip6tables' : 'iptables'}-${action}`;
  const path = ['/usr/sbin', '/sbin'].map((folder) => `${folder}/${name}`).find(isExecutable);
  if (path !== undefined) return path;
  throw new KataError('failed-precondition', `${name} is expected in /usr/sbin or /sbin, this guest has none`, {
    hint: 'use a guest image that has iptables',
  });
}

/** The guest's firewall rules as iptables-save(8) prints them. */
export async function getIptables(isIpv6: boolean): Promise<Uint8Array> {
  const path = program(isIpv6, 'save');
  const { status, stdout, stderr } = await run([path]);
  if (status.code !== 0) throw new KataError('internal', `${path} ended with ${status.code}: ${stderr.trim()}`);
  return utf8Encode(stdout);
}

/** Sets the guest's firewall rules from what iptables-save(8) printed. */
export async function setIptables(isIpv6: boolean, rules: Uint8Array): Promise<void> {
  const path = program(isIpv6, 'restore');
  const [input, feed] = pipe(O.CLOEXEC);
  let status: { code: number };
  try {
    const child = spawn([path, '--wait', String(LOCK_WAIT_SECONDS)], { fds: new Map([[0, input]]) });
    close(input);
    setNonBlocking(feed);
    // One that ends early leaves the rest unread; its status says why.
    await write(feed, rules).catch(() => {});
    close(feed);
    status = await child.wait();
  } finally {
    close(feed);
  }
  if (status.code !== 0) throw new KataError('internal', `${path} ended with ${status.code}`);
}
