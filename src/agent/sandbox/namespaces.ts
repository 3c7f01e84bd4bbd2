import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { makeDirectories } from '../../os/directory.ts';
import { check } from '../../os/errno.ts';
import { close } from '../../os/fd.ts';
import { removeFile, writeFile } from '../../os/file.ts';
import { MS, mount } from '../../os/mount.ts';
import { inNamespace, newNamespace } from '../../os/namespace.ts';
import { pathOfFd } from '../../os/resolve.ts';
import { unmountAll } from '../../os/unmount.ts';
import { utf8Encode } from '../../os/utf8.ts';
import { NR } from '../../syscall/numbers.ts';
import { NAMESPACES_FOLDER } from './guest-paths.ts';

/** The kinds that containers of a sandbox share; `pid` only when asked for. */
export type SharedKind = 'ipc' | 'uts' | 'pid';

/** Namespaces that outlive the processes in them: held open, and shown as files where upstream's agent shows them. */
export class SandboxNamespaces {
  readonly #held = new Map<SharedKind, number>();

  /** A new IPC namespace, and a new UTS namespace with this hostname; an empty one leaves the guest's. */
  constructor(hostname: string) {
    try {
      this.hold('ipc', newNamespace('ipc'));
      const uts = newNamespace('uts');
      this.hold('uts', uts);
      this.rename(hostname);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Names the machine anew, for all that share its UTS namespace; an empty name leaves it as it is. */
  rename(hostname: string): void {
    const uts = this.#held.get('uts');
    if (hostname !== '' && uts !== undefined) inNamespace(uts, 'uts', () => setHostname(hostname));
  }

  /** The descriptor of a shared namespace, which stays ours. */
  get(kind: SharedKind): number | undefined {
    return this.#held.get(kind);
  }

  /** Shares this namespace from now on; the descriptor is ours from now on. */
  hold(kind: SharedKind, fd: number): void {
    this.drop(kind);
    this.#held.set(kind, fd);
    const path = `${NAMESPACES_FOLDER}/${kind}`;
    makeDirectories(NAMESPACES_FOLDER);
    writeFile(path, '');
    mount(pathOfFd(fd), path, '', MS.BIND);
  }

  /** Shares this one no longer. Idempotent; the failures are the result. */
  drop(kind: SharedKind): KataError[] {
    const fd = this.#held.get(kind);
    if (fd === undefined) return [];
    this.#held.delete(kind);
    close(fd);
    const path = `${NAMESPACES_FOLDER}/${kind}`;
    const failures = unmountAll(path, { lazy: true });
    try {
      removeFile(path);
    } catch (error) {
      failures.push(KataError.from(error));
    }
    return failures;
  }

  /** Gives them all up; they go with their last process. Idempotent; the failures are the result. */
  close(): KataError[] {
    return [...this.#held.keys()].flatMap((kind) => this.drop(kind));
  }
}

/** Names the machine in the UTS namespace that this process is in. */
export function setHostname(hostname: string): void {
  const { length } = utf8Encode(hostname);
  check(syscall(NR.sethostname, hostname, length), `name the machine ${hostname}`);
}
