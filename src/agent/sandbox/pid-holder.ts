import { syscall } from 'sys';
import { check } from '../../os/errno.ts';
import { readable, resetAfterFork } from '../../os/loop.ts';
import { MS, mount, pivotRoot, setPropagation } from '../../os/mount.ts';
import { CLONE, namespacePath, openNamespace } from '../../os/namespace.ts';
import { exitNow, type Forked, waitSync } from '../../os/process.ts';
import { ignoreSignal, SIGNAL } from '../../os/signal.ts';
import { NR } from '../../syscall/numbers.ts';
import { dropBounding, setCapabilities } from '../container/apply-capabilities.ts';
import { closeFrom, leaveAgent } from '../container/become.ts';
import { cloneInto } from '../container/clone.ts';

const PR_SET_NAME = 15;
const PR_SET_NO_NEW_PRIVS = 38;
const NONE = { bounding: 0n, effective: 0n, permitted: 0n, inheritable: 0n, ambient: 0n };
/** Whom Kubernetes' pause runs as. */
const NOBODY = 65535;
/** Any folder of ours that is there: the holder covers it with an empty file system, which it makes its root. */
const PLACE = '/run';

/**
 * Process 1 of the pid namespace that the containers of a pod share: a pid namespace lasts as long as its first process,
 * and whoever loses its parent is given to that one. It is called `pause`, as in Kubernetes.
 *
 * It is a fork of the agent that containers can see, so it has nothing of the agent's: no descriptor, no right, an empty
 * read-only root, and its memory is closed to them.
 */
export class PidHolder {
  readonly #forked: Forked;
  #ended = false;

  constructor() {
    const forked = cloneInto({ flags: CLONE.NEWPID | CLONE.NEWNS });
    if (forked === null) {
      resetAfterFork();
      hold();
    }
    this.#forked = forked;
    void this.#fetch();
  }

  /** A descriptor of the namespace; the caller closes it. */
  openNamespace(): number {
    return openNamespace(namespacePath('pid', this.#forked.pid));
  }

  /** Ends it, and with it whatever is in the namespace. Idempotent. */
  end(): void {
    if (!this.#ended) syscall(NR.pidfd_send_signal, this.#forked.pidfd, SIGNAL.KILL, null, 0);
  }

  /** Sees it to its end, whatever ends it. */
  async #fetch(): Promise<void> {
    await readable(this.#forked.pidfd);
    this.#ended = true;
    waitSync(this.#forked);
  }
}

function hold(): never {
  try {
    leaveAgent();
    check(syscall(NR.prctl, PR_SET_NAME, 'pause', 0, 0, 0), 'take the name pause');
    // Orphans that end are gone at once.
    ignoreSignal(SIGNAL.CHLD);
    enterNowhere();
    closeFrom(0);
    dropBounding(NONE.bounding);
    check(syscall(NR.setgroups, 0, null), 'leave all groups');
    check(syscall(NR.setresgid, NOBODY, NOBODY, NOBODY), 'change the group');
    check(syscall(NR.setresuid, NOBODY, NOBODY, NOBODY), 'change the user');
    setCapabilities(NONE);
    check(syscall(NR.prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 'set no_new_privs');
    for (;;) syscall(NR.ppoll, null, 0, null, null);
  } catch {
    // Whoever wants into the namespace then hears that it ended.
  }
  exitNow(127);
}

function enterNowhere(): void {
  setPropagation('/', MS.REC | MS.PRIVATE);
  mount('pause', PLACE, 'tmpfs', MS.RDONLY | MS.NOSUID | MS.NODEV | MS.NOEXEC, 'size=4k');
  check(syscall(NR.chdir, PLACE), `enter ${PLACE}`);
  pivotRoot('.');
}
