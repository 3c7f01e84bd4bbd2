// node bench/run.mjs boot [--rounds 7] [--kernel FILE] [--initrd FILE] ['NAME: WORD WORD …' …]
//
// Compares ways of booting the guest: every variant in turn, round after round, so that noise of the machine meets all alike.
// Measured: from spawning QEMU until the agent has opened its virtio-serial port (QMP event VSERPORT_CHANGE), wall clock
// and QEMU's own CPU time. The CPU time is the steadier figure on a busy machine.
//
// Each variant changes the product's way by words: `+x` adds the kernel parameter x, `-x` removes those that begin with x,
// `KEY=VALUE` sets one of the keys of `standard` below (a value that begins with `,` is appended), `arg="a b"` adds QEMU
// arguments.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeMachine } from './lib/machine.ts';
import { median } from './lib/statistics.ts';

const guest = path.resolve('dist/share/kata-containers');

const standard = {
  kernel: path.join(guest, 'vmlinux.container'),
  initrd: path.join(guest, 'kata-containers-initrd.img'),
  append:
    'quiet panic=-1 reboot=t tsc=reliable no_timer_check nolapic_timer i8042.noaux i8042.nokbd pci=lastbus=0 8250.nr_uarts=1 ' +
    'noreplace-smp initcall_blacklist=trace_eval_init,jent_mod_init rcupdate.rcu_expedited=1 cryptomgr.notests random.trust_cpu=on',
  machine: 'q35,graphics=off,smbus=off,sata=off,vmport=off',
  bios: 'qboot.rom',
  accel: 'tcg,tb-size=64',
  cpu: 'max,erms=off,fsrm=off',
  smp: '1',
  mem: '2048',
  memory: 'memfd',
  serial: 'virtio-serial-pci,id=serial0',
  scsi: 'virtio-scsi-pci,id=scsi0',
  net: 'virtio-net-pci,netdev=net0,romfile=',
  arg: '',
};

type Key = keyof typeof standard;
type Way = Record<Key | 'name', string>;

interface Result {
  wallMs: number;
  cpuMs: number;
}

const isKey = (word: string): word is Key => Object.hasOwn(standard, word);

function parseVariant(text: string): Way {
  const colon = text.indexOf(':');
  const way: Way = { ...standard, name: colon < 0 ? text : text.slice(0, colon) };
  let params = way.append.split(' ');
  for (const word of (colon < 0 ? '' : text.slice(colon + 1)).match(/\S+="[^"]*"|\S+/g) ?? []) {
    const [, key = '', quoted = ''] = /^(\w+)=(.*)$/.exec(word) ?? [];
    if (word.startsWith('+')) params.push(word.slice(1));
    else if (word.startsWith('-')) params = params.filter((param) => !param.startsWith(word.slice(1)));
    else if (isKey(key)) {
      const value = quoted.replaceAll('"', '');
      way[key] = value.startsWith(',') ? way[key] + value : value;
      if (key === 'append') params = value.split(' ');
    } else
      throw new Error(
        `variant "${text}": expected +PARAM, -PARAM or one of ${Object.keys(standard)}=…, found "${word}"`,
      );
  }
  return { ...way, append: params.join(' ') };
}

function memoryBackend({ memory, mem }: Way, folder: string): string {
  if (memory === 'anonymous') return `memory-backend-ram,id=mem,size=${mem}M`;
  if (memory === 'memfd') return `memory-backend-memfd,id=mem,size=${mem}M,share=on`;
  if (memory === 'file') return `memory-backend-file,id=mem,size=${mem}M,mem-path=${folder}/memory,share=on`;
  return memory;
}

const qemuArguments = (way: Way, folder: string): string[] => [
  ...['-accel', way.accel, '-cpu', way.cpu, '-smp', way.smp, '-m', way.mem],
  ...['-M', `${way.machine},memory-backend=mem`, '-object', memoryBackend(way, folder)],
  ...['-display', 'none', '-no-reboot', '-nodefaults', '-no-user-config'],
  ...['-chardev', `socket,id=agent,path=${folder}/agent.sock,server=on,wait=off`],
  ...['-qmp', `unix:${folder}/qmp.sock,server=on,wait=off`],
  ...['-device', way.serial, '-device', 'virtserialport,id=agent0,chardev=agent,name=agent.channel.0,bus=serial0.0'],
  ...(way.scsi === 'none' ? [] : ['-device', way.scsi]),
  ...(way.net === 'none' ? [] : ['-netdev', 'user,id=net0,restrict=on', '-device', way.net]),
  ...['-bios', way.bios, '-kernel', way.kernel, '-initrd', way.initrd, '-append', way.append],
  ...way.arg.split(' ').filter(Boolean),
];

/** Resolves when the guest has opened its port, or with false when QEMU has ended first. */
async function untilOpened(socketPath: string, ended: () => boolean): Promise<boolean> {
  while (!ended()) {
    const socket = net.connect(socketPath);
    const opened = await new Promise<boolean>((resolve) => {
      let text = '';
      socket.once('connect', () => socket.write('{"execute":"qmp_capabilities"}\n'));
      socket.on('data', (data) => {
        text += data;
        if (text.includes('VSERPORT_CHANGE')) resolve(true);
      });
      socket.once('error', () => resolve(false));
      socket.once('close', () => resolve(false));
    });
    if (opened) return true;
    await sleep(2);
  }
  return false;
}

/** User and system time of a process (fields 14 and 15 of proc_pid_stat(5), in ticks of 10 ms). */
function cpuMs(pid: number): number {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function boot(way: Way): Promise<Result | null> {
  const folder = fs.mkdtempSync(path.join(tmpdir(), 'kata-boot-'));
  const start = performance.now();
  const qemu = spawn('qemu-system-x86_64', qemuArguments(way, folder), { stdio: ['ignore', 'inherit', 'inherit'] });
  let hasEnded = false;
  const exited = new Promise<false>((resolve) => qemu.once('exit', () => resolve(false))).finally(() => {
    hasEnded = true;
  });
  try {
    const opened = untilOpened(`${folder}/qmp.sock`, () => hasEnded);
    if (!(await Promise.race([opened, exited, sleep(30_000, false, { ref: false })]))) return null;
    return { wallMs: performance.now() - start, cpuMs: cpuMs(qemu.pid ?? 0) };
  } finally {
    qemu.kill('SIGKILL');
    await exited;
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

const words = process.argv.slice(2);
let rounds = 7;
while (words[0]?.startsWith('--')) {
  const [option = '', value = ''] = words.splice(0, 2);
  const key = option.slice(2);
  if (key === 'rounds') rounds = Number(value);
  else if (isKey(key)) standard[key] = value;
  else throw new Error(`--rounds or one of ${Object.keys(standard).map((name) => `--${name}`)} is expected: ${option}`);
}
const series = (words.length > 0 ? words : ['standard']).map((text) => ({
  way: parseVariant(text),
  results: [] as Result[],
}));
console.log(describeMachine());
for (let round = 0; round < rounds; round++)
  for (let i = 0; i < series.length; i++) {
    const { way, results } = series[(i + round) % series.length]!;
    const result = await boot(way);
    if (result !== null) results.push(result);
  }

const middle = (results: readonly Result[], key: keyof Result): number => median(results.map((result) => result[key]));
const width = Math.max(...series.map(({ way }) => way.name.length));
const first = series[0]!.results;
console.log(`${'variant'.padEnd(width)}  boots  wall ms  (least)   CPU ms  wall ×  CPU ×`);
for (const { way, results } of series) {
  const [wall, cpu] = [middle(results, 'wallMs'), middle(results, 'cpuMs')];
  const least = Math.min(...results.map(({ wallMs }) => wallMs));
  const cells = [
    `${results.length}/${rounds}`.padStart(5),
    wall.toFixed(0).padStart(7),
    `(${least.toFixed(0)})`.padStart(7),
    cpu.toFixed(0).padStart(7),
    (wall / middle(first, 'wallMs')).toFixed(3),
    (cpu / middle(first, 'cpuMs')).toFixed(3),
  ];
  console.log(`${way.name.padEnd(width)}  ${results.length === 0 ? 'none came up' : cells.join('  ')}`);
}
