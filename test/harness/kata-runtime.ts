// kata-runtime as a person runs it, with state of its own.
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** What set-up made; another folder of the same layout when the variable says so. */
export const KATA_RUNTIME = path.resolve(process.env.KATA_TS_DIST ?? 'dist', 'bin/kata-runtime');

const STATE = ['/run/kata-runtime', '/run/kata', '/run/containerd/s'];
/** Where images of roots are made and kept. */
const CACHE = '/var/lib/kata-containers/rootfs';
const IMAGES = '/var/lib/kata-containers/images';

/** Covers the folders of running containers and of roots with empty ones, so that a test sees no others. The result uncovers them. */
export function coverState(): () => void {
  for (const folder of [...STATE, CACHE, IMAGES]) {
    mkdirSync(folder, { recursive: true });
    must('mount', ['-t', 'tmpfs', '-o', 'mode=0700', 'kata-runtime-test', folder]);
  }
  return () => {
    for (const folder of [...STATE, CACHE, IMAGES]) must('umount', [folder]);
  };
}

function must(program: string, args: string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
}

export interface Result {
  status: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** Standard input; empty when not given. */
  input?: string | Buffer;
  env?: NodeJS.ProcessEnv;
}

/** A run that is under way. */
export class Running {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Result>;
  stdout = '';
  stderr = '';
  #changed: () => void = () => {};

  constructor(argv: string[], env: NodeJS.ProcessEnv = {}) {
    const [program = '', ...args] = argv;
    this.child = spawn(program, args, { env: { ...process.env, ...env } });
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#changed();
    });
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    // It may end before it read all.
    this.child.stdin.on('error', () => {});
    this.ended = new Promise((resolve) => {
      this.child.on('close', (code, signal) => {
        this.#changed();
        resolve({ status: code ?? (signal === null ? -1 : -2), stdout: this.stdout, stderr: this.stderr });
      });
    });
  }

  /** Resolves when this text was put out; rejects when the run ended without it. */
  async saw(text: string): Promise<void> {
    let over = false;
    void this.ended.then(() => {
      over = true;
    });
    while (!this.stdout.includes(text)) {
      if (over) throw new Error(`${JSON.stringify(text)} was expected; stdout ${this.stdout}, stderr ${this.stderr}`);
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }
}

export const start = (args: string[], options: RunOptions = {}): Running =>
  new Running([KATA_RUNTIME, ...args], options.env);

/** Runs kata-runtime to its end. */
export function kata(args: string[], options: RunOptions = {}): Promise<Result> {
  const run = start(args, options);
  run.child.stdin.end(options.input ?? '');
  return run.ended;
}

/**
 * On a terminal of its own, as util-linux's `script` makes one. `script` may do more there, in the shell; `$KATA` is the
 * command.
 */
export function startOnTerminal(args: string[], script = '$KATA'): Running {
  const quoted = [KATA_RUNTIME, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const command = script.replace('$KATA', () => quoted);
  return new Running(['script', '--quiet', '--return', '--echo', 'never', '--command', command, '/dev/null']);
}

/** All that a container leaves while it is there: processes, folders, sockets, half-made images. */
export function traces(): string[] {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      } catch {
        // It ended meanwhile.
        return '';
      }
    })
    .filter((line) => /containerd-shim-kata-v2|kata-runtime run|-name sandbox-/.test(line));
  const files = STATE.flatMap((folder) => readdirSync(folder).map((name) => `${folder}/${name}`));
  const halves = readdirSync(CACHE).filter((name) => name.endsWith('.tmp'));
  const pulls = readdirSync(IMAGES).filter((name) => name.startsWith('pull-'));
  return [...processes, ...files.filter((file) => !file.endsWith('/.lock')), ...halves, ...pulls].sort();
}
