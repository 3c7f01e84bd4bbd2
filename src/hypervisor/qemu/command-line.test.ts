import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MachineOptions } from '../hypervisor.ts';
import { commandLine, type QemuSettings } from './command-line.ts';
import { DEFAULT_QEMU_CONFIG, type QemuConfig, STRICT_SANDBOX } from './config.ts';
import { NO_INTERFACES } from './interface-slots.ts';

const machine: MachineOptions = {
  sandboxId: 'web-1',
  kernelPath: '/k/vmlinux',
  initrdPath: '/k/initrd.img',
  kernelParams: ['agent.log=debug', 'quiet=0'],
  memoryMib: 512,
  vcpus: 2,
  maxMemoryMib: 4096,
  maxVcpus: 8,
  memorySlots: 10,
};
const settings: QemuSettings = {
  accelerator: 'tcg',
  sandbox: STRICT_SANDBOX,
  descriptors: { qmp: 3, console: 4, agent: { kind: 'serial', fd: 5 } },
  interfaces: NO_INTERFACES,
  origin: { kind: 'boot' },
  bogoMips: () => 4000,
};
const line = (c: Partial<QemuConfig> = {}, m: Partial<MachineOptions> = {}, s: Partial<QemuSettings> = {}): string[] =>
  commandLine({ ...DEFAULT_QEMU_CONFIG, ...c }, { ...machine, ...m }, { ...settings, ...s });
/** The values of an option, in their order. */
const values = (args: string[], option: string): string[] => args.filter((_, i) => args[i - 1] === option);

test('a machine has the memory and the vCPUs that were asked for, and room for more', () => {
  const args = line();
  assert.deepEqual(values(args, '-m'), ['512M,slots=10,maxmem=4096M']);
  for (const none of [{ memorySlots: 0 }, { maxMemoryMib: 512 }])
    assert.deepEqual(values(line({}, none), '-m'), ['512M']);
  assert.ok(values(args, '-object').includes('memory-backend-memfd,id=memory,size=512M,share=on'));
  const smp = (m: Partial<MachineOptions>, accelerator: 'kvm' | 'tcg') =>
    values(line({}, m, { accelerator }), '-smp')[0];
  assert.equal(smp({}, 'kvm'), 'cpus=2,maxcpus=8,sockets=8,cores=1,threads=1');
  assert.equal(smp({ maxVcpus: 1 }, 'kvm'), 'cpus=2,maxcpus=2,sockets=2,cores=1,threads=1');
});

test('emulated vCPUs are there from the beginning, a few of them, and the kernel starts those that are asked for', () => {
  const emulated = line({}, { vcpus: 1, maxVcpus: 64 });
  assert.deepEqual(values(emulated, '-smp'), ['cpus=8,maxcpus=8,sockets=8,cores=1,threads=1']);
  const [append = ''] = values(emulated, '-append');
  assert.match(append, / maxcpus=1 /);
  // 4000 BogoMIPS are 2 * 10^9 loops a second, in 250 ticks.
  assert.match(append, / lpj=8000000 /);
  assert.deepEqual(values(line({}, { vcpus: 12 }), '-smp'), ['cpus=12,maxcpus=12,sockets=12,cores=1,threads=1']);
  for (const none of [line({}, { vcpus: 1, maxVcpus: 1 }), line({}, {}, { accelerator: 'kvm' })])
    assert.doesNotMatch(values(none, '-append')[0]!, /maxcpus=|lpj=/);
});

test('nothing of the host’s configuration and no default device comes along', () => {
  for (const option of ['-no-user-config', '-nodefaults', '-nographic', '-no-reboot'])
    assert.ok(line().includes(option));
});

test('with KVM the guest has the host’s processor, without it an emulated one, and its mitigations with both', () => {
  const emulated = line();
  assert.deepEqual(values(emulated, '-cpu'), ['max,erms=off,fsrm=off,pmu=off']);
  assert.match(values(emulated, '-accel')[0]!, /^tcg/);
  assert.doesNotMatch(values(emulated, '-append')[0]!, /mitigations/);
  const kvm = line({}, {}, { accelerator: 'kvm' });
  assert.deepEqual(values(kvm, '-cpu'), ['host,pmu=off']);
  assert.deepEqual(values(line({ cpuFeatures: '' }, {}, { accelerator: 'kvm' }), '-cpu'), ['host']);
  assert.deepEqual(values(kvm, '-accel'), ['kvm']);
  assert.doesNotMatch(values(kvm, '-append')[0]!, /mitigations/);
});

test('the sandbox is strict, another one when configured, and none when there is to be none', () => {
  assert.deepEqual(values(line(), '-sandbox'), [
    'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny',
  ]);
  assert.deepEqual(values(line({}, {}, { sandbox: '' }), '-sandbox'), []);
});

test('the agent is reached over a port that it knows by name, or over vsock', () => {
  const serial = line();
  assert.ok(values(serial, '-chardev').includes('socket,id=agent,fd=5'));
  assert.ok(
    values(serial, '-device').includes('virtserialport,bus=serial0.0,chardev=agent,id=agent0,name=agent.channel.0'),
  );
  const descriptors = { qmp: 3, console: 4, agent: { kind: 'vsock' as const, vhostFd: 5, cid: 77 } };
  const vsock = line({}, {}, { descriptors });
  assert.ok(values(vsock, '-device').includes('vhost-vsock-pci,id=vsock0,vhostfd=5,guest-cid=77'));
  assert.ok(!vsock.join(' ').includes('virtserialport'));
});

test('words of the configuration and of the agent stand behind ours on the kernel’s command line', () => {
  const append = values(line(), '-append')[0]!;
  assert.match(append, /^console=ttyS0 quiet .* agent\.log=debug quiet=0$/);
  assert.doesNotMatch(values(line({ enableDebug: true }), '-append')[0]!, /^console=ttyS0 quiet /);
});

test('a comma in a name or path does not become an option', () => {
  assert.deepEqual(values(line({}, { sandboxId: 'a,process=b' }), '-name'), ['sandbox-a,,process=b,debug-threads=on']);
  assert.ok(values(line({ entropySource: '/dev/a,b' }), '-object').includes('rng-random,id=random,filename=/dev/a,,b'));
  assert.deepEqual(values(line({}, { kernelPath: '/a,b' }), '-kernel'), ['/a,b']);
});

test('disks have a thread of their own only when configured', () => {
  assert.ok(values(line(), '-device').includes('virtio-scsi-pci,id=scsi0'));
  const threaded = line({ enableIothreads: true });
  assert.ok(values(threaded, '-object').includes('iothread,id=disks'));
  assert.ok(values(threaded, '-device').includes('virtio-scsi-pci,id=scsi0,iothread=disks'));
});

test('one emulated vCPU does without the local timer, several or real ones keep it', () => {
  const append = (m: Partial<MachineOptions>, s: Partial<QemuSettings> = {}) => values(line({}, m, s), '-append')[0]!;
  assert.match(append({ vcpus: 1, maxVcpus: 1 }), /nolapic_timer/);
  assert.doesNotMatch(append({ vcpus: 1, maxVcpus: 2 }), /nolapic_timer/);
  assert.doesNotMatch(append({ vcpus: 1, maxVcpus: 1 }, { accelerator: 'kvm' }), /nolapic_timer/);
});

test('a template has its memory in a file that is shared, a clone maps that file for itself and loads no kernel', () => {
  const template = line({}, {}, { origin: { kind: 'template', memoryPath: '/t,1/memory', isRestored: false } });
  assert.ok(
    values(template, '-object').includes('memory-backend-file,id=memory,size=512M,mem-path=/t,,1/memory,share=on'),
  );
  const clone = line({}, {}, { origin: { kind: 'clone', memoryPath: '/t/memory', ownsMemory: false } });
  assert.ok(values(clone, '-object').includes('memory-backend-file,id=memory,size=512M,mem-path=/t/memory,share=off'));
  assert.deepEqual(values(clone, '-incoming'), ['defer']);
  for (const option of ['-kernel', '-initrd', '-append']) assert.ok(!clone.includes(option), option);
});

test('a clone that gives memory back has a file of its own, and guests have a balloon only then', () => {
  const origin = { kind: 'clone', memoryPath: '/proc/self/fd/7', ownsMemory: true } as const;
  const clone = line({ reclaimGuestFreedMemory: true }, {}, { origin });
  assert.ok(values(clone, '-object').some((object) => object.endsWith('mem-path=/proc/self/fd/7,share=on')));
  const balloons = (args: string[]) => values(args, '-device').filter((device) => device.includes('balloon'));
  assert.deepEqual(balloons(clone), ['virtio-balloon-pci,id=balloon0,free-page-reporting=on']);
  assert.deepEqual(balloons(line({})), []);
});

test('a clone has the devices of its template, and every guest has empty slots for roots', () => {
  const devices = (origin: QemuSettings['origin']) => values(line({}, {}, { origin }), '-device');
  assert.deepEqual(
    devices({ kind: 'clone', memoryPath: '/t', ownsMemory: false }),
    devices({ kind: 'template', memoryPath: '/t', isRestored: false }),
  );
  assert.equal(devices({ kind: 'boot' }).filter((device) => device.startsWith('virtio-blk-pci,id=root')).length, 4);
});
