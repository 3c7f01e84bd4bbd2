// kata-ts as it is configured to start its VMs: cold, from a template, or out of a pool.
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Executed, execute } from './execute.ts';

export type ModeName = 'cold' | 'template' | 'pool';

/** How long a pool may take to be full again. */
const FILL_LIMIT_MS = 30_000;
const LOOK_MS = 100;
/** `factory init` ends when the pool is full. */
const INIT_LIMIT_MS = 120_000;

/** One mode of one build. `open` it first, `close` it in the end, whatever failed in between. */
export class KataMode {
  readonly name: ModeName;
  /** The configuration file: a copy of the shipped one with a drop-in that chooses the mode. */
  readonly config: string;
  readonly #dist: string;
  readonly #poolSize: number;
  #hasPool = false;

  /** `folder`: where its configuration is written. `poolSize`: VMs that a pool holds. `hypervisor`: keys of its section. */
  constructor(
    name: ModeName,
    dist: string,
    folder: string,
    poolSize: number,
    hypervisor: Readonly<Record<string, number>> = {},
  ) {
    this.name = name;
    this.#dist = dist;
    this.#poolSize = poolSize;
    const own = fs.mkdtempSync(path.join(folder, `${name}-`));
    this.config = path.join(own, 'configuration.toml');
    fs.writeFileSync(this.config, withWholePaths(path.join(dist, 'share/defaults/kata-containers/configuration.toml')));
    fs.mkdirSync(path.join(own, 'config.d'));
    const settings = [
      '[hypervisor.qemu]',
      ...Object.entries(hypervisor).map(([key, value]) => `${key} = ${value}`),
      '[factory]',
      `enable_template = ${name !== 'cold'}`,
      `vm_cache_number = ${name === 'pool' ? poolSize : 0}`,
      // Of its own: what it makes, it removes.
      `template_path = ${JSON.stringify(path.join(own, 'templates'))}`,
      `vm_cache_endpoint = ${JSON.stringify(path.join(own, 'cache.sock'))}`,
    ];
    fs.writeFileSync(path.join(own, 'config.d/50-mode.toml'), `${settings.join('\n')}\n`);
  }

  /** The words that run kata-runtime in this mode. */
  command(...args: string[]): string[] {
    return [path.join(this.#dist, 'bin/kata-runtime'), '--config', this.config, ...args];
  }

  /** Makes what a first start makes: the root's image, the template, the pool. Throws when this build has no such mode. */
  async open(): Promise<void> {
    if (this.name === 'pool') {
      this.#hasPool = true;
      await execute(this.command('factory', 'init'), { timeoutMs: INIT_LIMIT_MS });
    }
    const { stderr } = await execute(this.command('run', '--rm', 'busybox', 'true'));
    const idle = /^.*\[factory\] is not acted on.*$/m.exec(stderr)?.[0];
    if (idle !== undefined) throw new Error(idle.replace(/^.*?\.toml:\d+: /, ''));
    await this.ready();
  }

  /** Resolves when the next start meets what it should: the pool is full again. */
  async ready(): Promise<void> {
    if (this.name !== 'pool') return;
    for (const start = performance.now(); performance.now() - start < FILL_LIMIT_MS; await sleep(LOOK_MS)) {
      const { stdout } = await execute(this.command('factory', 'status', '--format', 'json'));
      if (JSON.parse(stdout).pool?.ready >= this.#poolSize) return;
    }
    throw new Error(`the pool is expected to hold ${this.#poolSize} VMs, and does not after ${FILL_LIMIT_MS} ms`);
  }

  async close(): Promise<void> {
    if (this.#hasPool || this.name === 'template')
      await execute(this.command('factory', 'destroy')).catch(() => 'there may be nothing to destroy');
    this.#hasPool = false;
  }

  run(...args: string[]): Promise<Executed> {
    return execute(this.command('run', ...args));
  }
}

/** The shipped configuration may stand elsewhere when its paths are whole. */
function withWholePaths(file: string): string {
  return fs.readFileSync(file, 'utf8').replaceAll(/"(\.\.?\/[^"]*)"/g, (_, relative: string) => {
    return JSON.stringify(path.resolve(path.dirname(file), relative));
  });
}

/** Opens each mode; those that cannot be are told, with the reason, and left out. */
export async function openModes(modes: readonly KataMode[]): Promise<KataMode[]> {
  const opened: KataMode[] = [];
  for (const mode of modes) {
    try {
      await mode.open();
      opened.push(mode);
    } catch (error) {
      console.log(`NOT MEASURED: kata-ts ${mode.name}: ${(error as Error).message}`);
      await mode.close();
    }
  }
  return opened;
}
