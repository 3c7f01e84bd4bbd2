// VMs that are clones of a guest which was booted once: each a machine of its own, and a start whatever is wrong with the
// template.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { coverState, KATA_RUNTIME, kata, start, traces } from '../harness/kata-runtime.ts';
import { testConfig } from '../harness/test-config.ts';

const LIMIT = { timeout: 120_000 };
const CLONES = 100;
const AT_ONCE = 4;
const CLOCK_TOLERANCE_MS = 50;

let uncover: () => void;
let folder: string;
before(() => {
  uncover = coverState();
  folder = fs.mkdtempSync(path.join(tmpdir(), 'kata-ts-templates-'));
});
after(() => {
  uncover();
  fs.rmSync(folder, { recursive: true, force: true });
});
afterEach(() => assert.deepEqual(traces(), [], 'something was left behind'));

/** A configuration with a template folder of its own; /run is the tests' own tmpfs. */
function configured(changes: Record<string, string> = {}): { env: Record<string, string>; templates: string } {
  const templates = fs.mkdtempSync('/run/templates-');
  const keys = { template_path: JSON.stringify(templates), default_memory: '256', ...changes };
  return { env: { KATA_CONF_FILE: testConfig(folder, keys) }, templates };
}

const names = (templates: string): string[] => fs.readdirSync(templates).filter((name) => /^[0-9a-f]{16}$/.test(name));
const run = (env: Record<string, string>, script: string) =>
  kata(['run', '--rm', 'busybox', 'sh', '-c', script], { env });

/** How QEMU was started for a container that runs. */
async function commandLineOf(env: Record<string, string>): Promise<string[]> {
  const { stdout, stderr } = await kata(['run', '-d', '--rm', '--name', 'looked-at', 'busybox', 'sleep', '100'], {
    env,
  });
  try {
    const state = `/run/kata/${stdout.trim()}/state.json`;
    assert.ok(fs.existsSync(state), stderr);
    const { vmm } = JSON.parse(fs.readFileSync(state, 'utf8'));
    return fs.readFileSync(`/proc/${vmm.pid}/cmdline`, 'utf8').split('\0');
  } finally {
    await kata(['rm', '-f', 'looked-at'], { env });
  }
}

describe('a clone', () => {
  it(`is a machine of its own: ${CLONES} of them share no random number, no id and no name, and know the time`, {
    timeout: 400_000,
  }, async () => {
    const { env, templates } = configured();
    const script =
      'cat /proc/sys/kernel/random/boot_id /proc/sys/kernel/random/uuid; head -c 16 /dev/urandom | od -An -tx1; hostname; touch /now; stat -c %y /now';
    const seen: string[][] = [];
    const worker = async (): Promise<void> => {
      while (seen.length + busy < CLONES) {
        busy++;
        const beforeMs = Date.now();
        const { status, stdout, stderr } = await run(env, script);
        const afterMs = Date.now();
        busy--;
        assert.equal(status, 0, stderr);
        const lines = stdout.trim().split('\n');
        const guestMs = Date.parse(`${lines.pop()?.replace(' ', 'T').slice(0, 23)}Z`);
        assert.ok(guestMs > beforeMs - CLOCK_TOLERANCE_MS && guestMs < afterMs + CLOCK_TOLERANCE_MS, `${guestMs}`);
        seen.push(lines);
      }
    };
    let busy = 0;
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    assert.equal(names(templates).length, 1);
    for (const [index, what] of ['boot ids', 'uuids', 'random numbers', 'host names'].entries())
      assert.equal(new Set(seen.map((lines) => lines[index])).size, seen.length, `all ${what} are different`);
  });

  it('is restored, not booted; without templates each VM boots', LIMIT, async () => {
    const cloned = await commandLineOf(configured().env);
    assert.ok(cloned.some((arg) => arg.startsWith('sandbox-')) && !cloned.includes('-kernel'), cloned.join(' '));
    const { env, templates } = configured({ enable_template: 'false' });
    const booted = await commandLineOf(env);
    assert.ok(booted.includes('-kernel'));
    assert.deepEqual(fs.readdirSync(templates), []);
  });
});

describe('a VM that is being restored', () => {
  for (const victim of ['QEMU', 'the shim'] as const)
    for (const delayMs of [0, 40, 120])
      it(
        `leaves nothing when ${victim} is killed ${delayMs} ms after QEMU was started: there is a container, or an error`,
        LIMIT,
        async () => {
          const { env } = configured();
          await kata(['factory', 'init'], { env });
          const running = start(['run', '--rm', 'busybox', 'echo', 'up'], { env });
          running.child.stdin.end();
          let pid: number | undefined;
          for (let waitedMs = 0; pid === undefined && waitedMs < 5000; waitedMs += 5) {
            await new Promise((resolve) => setTimeout(resolve, 5));
            pid = processOf(/^\S*qemu-system/);
            if (victim === 'the shim' && pid !== undefined) pid = parentOf(pid);
          }
          await new Promise((resolve) => setTimeout(resolve, delayMs));
          if (pid !== undefined) kill(pid);
          const { status, stdout, stderr } = await running.ended;
          if (status === 0) assert.equal(stdout, 'up\n');
          else assert.match(stderr, /^kata-runtime: .+/m);
        },
      );
});

describe('the template', () => {
  it('is made once, by whoever comes first, while the others wait for it', LIMIT, async () => {
    const { env, templates } = configured();
    const runs = await Promise.all(Array.from({ length: 3 }, () => run(env, 'echo $((6 * 7))')));
    for (const { stdout, stderr } of runs) assert.equal(stdout, '42\n', stderr);
    assert.equal(names(templates).length, 1);
    assert.deepEqual(
      fs.readdirSync(templates).filter((name) => name.endsWith('.tmp')),
      [],
    );
  });

  it('is given up with the start that wanted it: nobody goes on making it', LIMIT, async () => {
    const { env, templates } = configured();
    const running = start(['run', '--rm', 'busybox', 'sleep', '1000'], { env });
    await new Promise((resolve) => setTimeout(resolve, 900));
    running.child.kill('SIGINT');
    assert.equal((await running.ended).status, 130);
    assert.equal(processOf(/-name sandbox-template|factory init/), undefined);
    assert.deepEqual(names(templates), []);
    assert.equal((await run(env, 'echo up')).stdout, 'up\n');
  });

  it('is shown by factory status, is there for the next, and goes with factory destroy', LIMIT, async () => {
    const { env, templates } = configured();
    assert.match((await kata(['factory', 'init'], { env })).stdout, /^template [0-9a-f]{16}: made in /);
    assert.match((await kata(['factory', 'init'], { env })).stdout, /: there already\n$/);
    const { templates: shown } = JSON.parse((await kata(['factory', 'status', '--format', 'json'], { env })).stdout);
    assert.deepEqual(
      shown.map(({ name }: { name: string }) => name),
      names(templates),
    );
    assert.equal(shown[0].stale, null);
    assert.ok(shown[0].bytes < 150 * 2 ** 20, `${shown[0].bytes} bytes`);
    assert.equal((await kata(['factory', 'destroy'], { env })).status, 0);
    assert.ok(!fs.existsSync(templates));
    assert.equal((await kata(['factory', 'destroy'], { env })).status, 0);
  });

  it('another kernel command line, memory or processor is another guest’s template', LIMIT, async () => {
    const { env, templates } = configured();
    await kata(['factory', 'init'], { env });
    const [file = ''] = Object.values(env);
    fs.writeFileSync(
      file,
      fs.readFileSync(file, 'utf8').replace(/^kernel_params = .*$/m, 'kernel_params = "kata.test=1"'),
    );
    const { stdout } = await run(env, 'cat /proc/cmdline');
    assert.match(stdout, /kata\.test=1/);
    assert.equal(names(templates).length, 2);
  });
});

describe('a start comes about although', () => {
  const damages: [title: string, damage: (template: string) => void][] = [
    ['the template’s memory was truncated', (t) => fs.truncateSync(`${t}/memory`, 4096)],
    ['its device state was truncated', (t) => fs.truncateSync(`${t}/state`, 1000)],
    ['its QEMU was truncated', (t) => fs.truncateSync(`${t}/process`, 4096)],
    ['its QEMU is gone', (t) => fs.rmSync(`${t}/process`)],
    ['a byte of what remakes its QEMU is wrong', (t) => changeByte(`${t}/process`, 5000)],
    ['a byte of its QEMU’s description is wrong', (t) => changeByte(`${t}/process.json`, 500)],
    ['its QEMU does not run when it is remade', (t) => brokenProcess(t)],
    [
      'a byte of its device state is wrong, and its QEMU is gone',
      (t) => {
        changeByte(`${t}/state`, 5000);
        fs.rmSync(`${t}/process`);
      },
    ],
    [
      'QEMU does not take the state, and ends, and its QEMU is gone',
      (t) => {
        refusedState(t);
        fs.rmSync(`${t}/process`);
      },
    ],
    [
      'another QEMU wrote it, and its QEMU is gone',
      (t) => {
        edit(`${t}/template.json`, (text) => text.replace(/"vmmVersion":"[^"]*"/, '"vmmVersion":"6.0.0"'));
        fs.rmSync(`${t}/process`);
      },
    ],
    ['its description is damaged', (t) => fs.writeFileSync(`${t}/template.json`, '{')],
  ];
  for (const [title, damage] of damages)
    it(`${title}; then there is a new one`, LIMIT, async () => {
      const { env, templates } = configured();
      await kata(['factory', 'init'], { env });
      const [name = ''] = names(templates);
      const { ino } = fs.statSync(path.join(templates, name));
      damage(path.join(templates, name));
      assert.equal((await run(env, 'echo up')).stdout, 'up\n');
      assert.equal((await run(env, 'echo again')).stdout, 'again\n');
      assert.deepEqual(names(templates), [name]);
      assert.notEqual(fs.statSync(path.join(templates, name)).ino, ino);
    });

  it('the template’s file system is full; the next start does not try again', LIMIT, async () => {
    const { env, templates } = configured();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=20m,mode=0700', 'small', templates]);
    try {
      assert.equal((await run(env, 'echo up')).stdout, 'up\n');
      assert.deepEqual(names(templates), []);
      const [marker = ''] = fs.readdirSync(templates).filter((name) => name.endsWith('.failed'));
      assert.match(fs.readFileSync(path.join(templates, marker), 'utf8'), /template/);
      const startMs = Date.now();
      assert.equal((await run(env, 'echo up')).stdout, 'up\n');
      assert.ok(Date.now() - startMs < 20_000);
      const { status, stderr } = await kata(['factory', 'init'], { env });
      assert.notEqual(status, 0);
      assert.match(stderr, /template/);
    } finally {
      execFileSync('umount', ['--lazy', templates]);
    }
  });

  it('the folder of templates cannot be made', LIMIT, async () => {
    fs.writeFileSync(path.join(folder, 'a-file'), '');
    const { env } = configured({ template_path: JSON.stringify(path.join(folder, 'a-file/templates')) });
    assert.equal((await run(env, 'echo up')).stdout, 'up\n');
  });

  it('its maker was killed at whatever moment', LIMIT, async () => {
    const { env, templates } = configured();
    for (const delayMs of [100, 1500]) {
      const maker = spawn(KATA_RUNTIME, ['factory', 'init'], { env: { ...process.env, ...env }, stdio: 'ignore' });
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      maker.kill('SIGKILL');
      await new Promise((resolve) => maker.once('exit', resolve));
    }
    assert.equal((await run(env, 'echo up')).stdout, 'up\n');
    assert.equal(names(templates).length, 1);
    assert.deepEqual(
      fs.readdirSync(templates).filter((name) => name.endsWith('.tmp')),
      [],
    );
  });
});

/** The first process with such a command line. */
function processOf(pattern: RegExp): number | undefined {
  const pids = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const found = pids.find((pid) => {
    try {
      return pattern.test(fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '));
    } catch {
      return false;
    }
  });
  return found === undefined ? undefined : Number(found);
}

function parentOf(pid: number): number | undefined {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It was quicker.
  }
}

function edit(file: string, change: (text: string) => string): void {
  fs.writeFileSync(file, change(fs.readFileSync(file, 'utf8')));
}

function changeByte(file: string, at: number): void {
  const bytes = fs.readFileSync(file);
  bytes[at]! ^= 1;
  fs.writeFileSync(file, bytes);
}

/** Pages that are not what was saved, which nothing checks: whoever may write them may do anything. */
function brokenProcess(template: string): void {
  const { size } = fs.statSync(`${template}/process`);
  const zeros = Buffer.alloc(size - 2 ** 20);
  const fd = fs.openSync(`${template}/process`, 'r+');
  fs.writeSync(fd, zeros, 0, zeros.length, 2 ** 20);
  fs.closeSync(fd);
}

/** A state that is what was written, as far as can be told, and that QEMU cannot read. */
function refusedState(template: string): void {
  const state = fs.readFileSync(`${template}/state`);
  state.fill(0xff, 8, 4096);
  fs.writeFileSync(`${template}/state`, state);
  edit(`${template}/template.json`, (text) =>
    text.replace(/"stateChecksum":\d+/, `"stateChecksum":${checksum(state)}`),
  );
}

/** The product's `checksumOf`, written once more: this test plays somebody who knows how. */
function checksum(bytes: Buffer): number {
  let hash = 0x811c9dc5 ^ bytes.length;
  const whole = bytes.length - (bytes.length % 4);
  for (let i = 0; i < whole; i += 4) hash = Math.imul(hash ^ bytes.readUInt32LE(i), 0x01000193);
  for (let i = whole; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash >>> 0;
}
