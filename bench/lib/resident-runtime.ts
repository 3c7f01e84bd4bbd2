// Runtimes whose containers are started, stay, and are ended: all alike, so that they can be measured alike.
import fs from 'node:fs';
import { type Executed, execute } from './execute.ts';
import { allProcesses, type HostProcess, withDescendants } from './host-processes.ts';
import type { KataMode } from './kata-mode.ts';
import type { Peer } from './peer.ts';

const SLEEP = ['sleep', '3600'];

export interface ResidentRuntime {
  name: string;
  /** Starts a container that sleeps; resolves when it runs. */
  start(id: string): Promise<Executed>;
  /** Runs a container to its end, which is at once. */
  runOnce(id: string): Promise<Executed>;
  /** Ends a container and whatever is left of it. */
  end(id: string): Promise<unknown>;
  /** When nothing of an earlier start is under way any more. */
  settled(): Promise<void>;
  /** All processes that are there for these containers, by what they are. */
  processes(ids: readonly string[]): Map<string, number[]>;
}

/** kata-ts. Its processes: shim, QEMU, and the watcher that `run -d` leaves. */
export function kataRuntime(mode: KataMode): ResidentRuntime {
  /** From the name to kata-runtime's own id. */
  const ids = new Map<string, string>();
  return {
    name: `kata-ts (${mode.name})`,
    async start(name) {
      const executed = await mode.run('-d', '--name', name, 'busybox', ...SLEEP);
      ids.set(name, executed.stdout.trim());
      return executed;
    },
    runOnce: (name) => mode.run('--rm', '--name', name, 'busybox', 'true'),
    end: (name) => execute(mode.command('rm', '--force', name)),
    settled: () => mode.ready(),
    processes(names) {
      const all = allProcesses();
      // Several containers may come out of one pool: its VMMs are known by what the shim wrote, not by their names.
      const own = names.flatMap((name) => [...mentioning(all, name), ...stateOf(ids.get(name) ?? '')]);
      return byKind(withDescendants(own, all), (command) =>
        /containerd-shim-kata/.test(command) ? 'shim' : /qemu-system/.test(command) ? 'VMM' : 'watcher',
      );
    },
  };
}

/** The shim and the VMM of a sandbox. */
function stateOf(id: string): number[] {
  try {
    const { shim, vmm } = JSON.parse(fs.readFileSync(`/run/kata/${id}/state.json`, 'utf8'));
    return [shim?.pid, vmm?.pid].filter((pid) => pid !== undefined);
  } catch {
    return [];
  }
}

/** runc or runsc. Processes of runsc: the sandbox with those that run the container's code, and the gofer. */
export function peerRuntime(peer: Peer, root: string): ResidentRuntime {
  const once = peer.bundle('once', root, ['true']);
  return {
    name: peer.name,
    async start(id) {
      const bundle = peer.bundle(id, root, SLEEP);
      return execute(peer.runDetachedCommand(id, bundle));
    },
    runOnce: (id) => execute(peer.runCommand(id, once)),
    async end(id) {
      await execute(peer.deleteCommand(id));
      peer.forget(id);
    },
    settled: async () => {},
    processes(ids) {
      const all = allProcesses();
      const own = ids.flatMap((id) => [...mentioning(all, id), ...peer.pidOf(id)]);
      return byKind(withDescendants(own, all), (command) =>
        peer.name === 'runc' ? 'container' : /^runsc-gofer\b/.test(command) ? 'gofer' : 'sandbox',
      );
    },
  };
}

/** The processes whose command line has this as a word, or as a part of a path. */
function mentioning(all: readonly HostProcess[], name: string): number[] {
  const word = new RegExp(`(^|[ /=])${name}($|[ /,])`);
  return all.filter(({ command }) => word.test(command)).map(({ pid }) => pid);
}

function byKind(processes: readonly HostProcess[], kindOf: (command: string) => string): Map<string, number[]> {
  const kinds = new Map<string, number[]>();
  for (const { pid, command } of processes) {
    const kind = kindOf(command);
    kinds.set(kind, [...(kinds.get(kind) ?? []), pid]);
  }
  return kinds;
}
