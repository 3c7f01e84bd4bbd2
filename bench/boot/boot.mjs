// Compares ways of booting the guest: every variant in turn, round after round, so that noise of the machine meets all alike.
// Measured: from spawning QEMU until the agent has opened its virtio-serial port (QMP event VSERPORT_CHANGE), wall clock
// and QEMU's own CPU time. The CPU time is the steadier figure on a busy machine.
//
//   node bench/boot/boot.mjs [--rounds 7] [--kernel FILE] [--initrd FILE] ['NAME: WORD WORD …' …]
//
// Each variant changes the product's way by words: `+x` adds the kernel parameter x, `-x` removes those that begin with x,
// `KEY=VALUE` sets one of the keys of `standard` below (a value that begins with `,` is appended), `arg="a b"` adds QEMU arguments.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const repository = join(dirname(fileURLToPath(import.meta.url)), '../..');
const guest = join(repository, 'dist/share/kata-containers');

const standard = {
  kernel: join(guest, 'vmlinux.container'),
  initrd: join(guest, 'kata-containers-initrd.img'),
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

const parseVariant = (text) => {
  const colon = text.indexOf(':');
  const way = { ...standard, name: colon < 0 ? text : text.slice(0, colon) };
  const words = colon < 0 ? '' : text.slice(colon + 1).trim();
  const params = way.append.split(' ');
  for (const word of words.match(/\S+="[^"]*"|\S+/g) ?? []) {
    const change = /^(\w+)=(.*)$/.exec(word);
    if (word.startsWith('+')) params.push(word.slice(1));
    else if (word.startsWith('-'))
      params.splice(0, params.length, ...params.filter((p) => !p.startsWith(word.slice(1))));
    else if (change && change[1] in standard) {
      const value = change[2].replaceAll('"', '');
      way[change[1]] = value.startsWith(',') ? way[change[1]] + value : value;
      if (change[1] === 'append') params.splice(0, params.length, ...value.split(' '));
    } else
      throw new Error(
        `variant "${text}": expected +PARAM, -PARAM or one of ${Object.keys(standard)}=…, found "${word}"`,
      );
  }
  return { ...way, append: params.join(' ') };
};

const memoryBackend = ({ memory, mem }, dir) => {
  if (memory === 'anonymous') return `memory-backend-ram,id=mem,size=${mem}M`;
  if (memory === 'memfd') return `memory-backend-memfd,id=mem,size=${mem}M,share=on`;
  if (memory === 'file') return `memory-backend-file,id=mem,size=${mem}M,mem-path=${dir}/memory,share=on`;
  return memory;
};

const qemuArgs = (way, dir) => [
  ...['-accel', way.accel, '-cpu', way.cpu, '-smp', way.smp, '-m', way.mem],
  ...['-M', `${way.machine},memory-backend=mem`, '-object', memoryBackend(way, dir)],
  ...['-display', 'none', '-no-reboot', '-nodefaults', '-no-user-config'],
  ...[
    '-chardev',
    `socket,id=agent,path=${dir}/agent.sock,server=on,wait=off`,
    '-qmp',
    `unix:${dir}/qmp.sock,server=on,wait=off`,
  ],
  ...['-device', way.serial, '-device', 'virtserialport,id=agent0,chardev=agent,name=agent.channel.0,bus=serial0.0'],
  ...(way.scsi === 'none' ? [] : ['-device', way.scsi]),
  ...(way.net === 'none' ? [] : ['-netdev', 'user,id=net0,restrict=on', '-device', way.net]),
  ...['-bios', way.bios, '-kernel', way.kernel, '-initrd', way.initrd, '-append', way.append],
  ...way.arg.split(' ').filter(Boolean),
];

const connect = async (path, given) => {
  while (!given.up) {
    try {
      return await new Promise((resolve, reject) => {
        const socket = net.connect(path, () => resolve(socket)).once('error', reject);
      });
    } catch {
      await sleep(2);
    }
  }
  return undefined;
};

// User and system time of a process in ms (fields 14 and 15 of proc(5)'s stat, in ticks of 10 ms).
const cpuMs = (pid) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
};

const boot = async (way) => {
  const dir = mkdtempSync(join(tmpdir(), 'kata-boot-'));
  const start = performance.now();
  const qemu = spawn('qemu-system-x86_64', qemuArgs(way, dir), { stdio: ['ignore', 'inherit', 'inherit'] });
  const given = { up: false };
  const exited = new Promise((resolve) => qemu.once('exit', resolve)).finally(() => {
    given.up = true;
  });
  try {
    const opened = connect(`${dir}/qmp.sock`, given).then(
      (qmp) =>
        new Promise((resolve) => {
          if (!qmp) return;
          let text = '';
          qmp.write('{"execute":"qmp_capabilities"}\n');
          qmp.on('data', (data) => {
            text += data;
            if (text.includes('VSERPORT_CHANGE')) resolve('opened');
          });
        }),
    );
    const end = await Promise.race([opened, exited, sleep(30_000, 'timeout', { ref: false })]);
    if (end !== 'opened') return undefined;
    return { wallMs: performance.now() - start, cpuMs: cpuMs(qemu.pid) };
  } finally {
    qemu.kill('SIGKILL');
    await exited;
    rmSync(dir, { recursive: true, force: true });
  }
};

const median = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

const words = process.argv.slice(2);
let rounds = 7;
while (words[0]?.startsWith('--')) {
  const [option, value] = words.splice(0, 2);
  if (option === '--rounds') rounds = Number(value);
  else standard[option.slice(2)] = value;
}
const variants = (words.length ? words : ['standard']).map(parseVariant);
const results = variants.map(() => []);
for (let round = 0; round < rounds; round++)
  for (let i = 0; i < variants.length; i++) {
    const at = (i + round) % variants.length;
    const result = await boot(variants[at]);
    if (result) results[at].push(result);
  }

const column = (index, key) => median(results[index].map((r) => r[key]));
const width = Math.max(...variants.map((v) => v.name.length));
console.log(`${'variant'.padEnd(width)}  boots  wall ms  (least)   CPU ms  wall ×  CPU ×`);
for (const [i, variant] of variants.entries()) {
  if (results[i].length === 0) {
    console.log(`${variant.name.padEnd(width)}  none came up`);
    continue;
  }
  const [wall, cpu] = [column(i, 'wallMs'), column(i, 'cpuMs')];
  const least = Math.min(...results[i].map((r) => r.wallMs));
  const cells = [
    `${results[i].length}/${rounds}`.padStart(5),
    wall.toFixed(0).padStart(7),
    `(${least.toFixed(0)})`.padStart(7),
  ];
  cells.push(
    cpu.toFixed(0).padStart(7),
    (wall / column(0, 'wallMs')).toFixed(3),
    (cpu / column(0, 'cpuMs')).toFixed(3),
  );
  console.log(`${variant.name.padEnd(width)}  ${cells.join('  ')}`);
}
