// Other runtimes, run as their own command lines: `run` on a bundle.
import fs from 'node:fs';
import path from 'node:path';
import { imageToSpec } from '../../src/oci/image-to-spec.ts';

export type PeerName = 'runc' | 'runsc';

/** The programs that setup/peers.mjs made. */
const programs: Record<string, string> = JSON.parse(process.env.KATA_TS_PEERS ?? '{}');

/** The global options of each. runsc: what works without KVM, a network and delegated cgroups. */
const globals: Record<PeerName, string[]> = {
  runc: [],
  runsc: ['--platform=systrap', '--network=none', '--ignore-cgroups'],
};

export class Peer {
  readonly name: PeerName;
  readonly program: string;
  readonly #folder: string;

  /** `folder`: where its state and its bundles go. */
  constructor(name: PeerName, folder: string) {
    this.name = name;
    this.program = programs[name] ?? '';
    if (!fs.existsSync(this.program)) throw new Error(`${name} is expected in KATA_TS_PEERS`);
    this.#folder = fs.mkdtempSync(path.join(folder, `${name}-`));
  }

  command(...args: string[]): string[] {
    return [this.program, ...globals[this.name], `--root=${this.#folder}/state`, ...args];
  }

  /** A bundle for a program of the busybox root. Its path has the id, so that a process that names it is the container's. */
  bundle(id: string, root: string, args: readonly string[]): string {
    const bundle = path.join(this.#folder, id);
    fs.mkdirSync(bundle);
    const env = ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'];
    // No limits of resources: raising them may be denied to whoever runs this.
    const spec = imageToSpec({ config: { Env: env } }, { args, rootPath: root, rlimits: [] }, 'x86-64');
    fs.writeFileSync(path.join(bundle, 'config.json'), JSON.stringify(spec));
    return bundle;
  }

  /** The pid of a container's first process (runsc: of its sandbox), as the runtime's file tells; none when there is none. */
  pidOf(id: string): number[] {
    const file = path.join(this.#folder, id, 'pid');
    return fs.existsSync(file) ? [Number(fs.readFileSync(file, 'utf8'))] : [];
  }

  /** Removes a bundle. */
  forget(id: string): void {
    fs.rmSync(path.join(this.#folder, id), { recursive: true, force: true });
  }

  runCommand(id: string, bundle: string): string[] {
    return this.command('run', '--bundle', bundle, id);
  }

  runDetachedCommand(id: string, bundle: string): string[] {
    return this.command('run', '--detach', '--pid-file', path.join(bundle, 'pid'), '--bundle', bundle, id);
  }

  deleteCommand(id: string): string[] {
    return this.command('delete', '--force', id);
  }
}
