import type { MachineOptions } from '../hypervisor.ts';
import type { Accelerator } from './judge-kvm.ts';
import { mostVcpus, plugsVcpus } from './vcpus.ts';

/**
 * The first words of the guest's kernel command line; those of the configuration and of the agent come behind and win.
 * See kernel-parameters.txt of Linux for each. What each saves was measured by bench/boot.
 *
 * Unlike Kata: no `mitigations=off`, which gains nothing here.
 */
export function kernelParams(
  accelerator: Accelerator['name'],
  machine: Pick<MachineOptions, 'vcpus' | 'maxVcpus'>,
  debug: boolean,
  bogoMips: () => number,
): string[] {
  const most = mostVcpus(machine, accelerator);
  return [
    // The serial port works from the kernel's first line on; a virtio console would miss an early panic.
    'console=ttyS0',
    // Warnings and worse only: every character is an exit to QEMU.
    ...(debug ? ['loglevel=7'] : ['quiet']),
    // A panic ends QEMU at once (-no-reboot) instead of leaving a silent VM.
    'panic=-1',
    'reboot=t',
    // The clock is the host's: no calibration against a timer, no watchdog for it.
    'tsc=reliable',
    'no_timer_check',
    // The calibration of a timer that one emulated vCPU can do without takes 100 ms.
    ...(needsHpet(accelerator, most) ? ['nolapic_timer'] : []),
    // An emulated processor that comes later would find out for 5 to 8 s how fast it is: it is as fast as the first one.
    ...(accelerator === 'tcg' && most > 1 ? [`lpj=${loopsPerTick(bogoMips())}`] : []),
    // The others wait until the agent takes them into use.
    ...(plugsVcpus(accelerator) || most === machine.vcpus ? [] : [`maxcpus=${machine.vcpus}`]),
    // What is not there is not looked for.
    'i8042.noaux',
    'i8042.nokbd',
    'pci=lastbus=0',
    '8250.nr_uarts=1',
    // The instructions that several processors need stay as they are: patching them away takes 100 ms.
    'noreplace-smp',
    // Tables of names for tracing, self tests that only FIPS mode asks for, and the certificates of Debian's modules: ours
    // are stripped of their signatures.
    'initcall_blacklist=trace_eval_init,jent_mod_init,crypto_kdf108_init,load_system_certificate_list',
    'rcupdate.rcu_expedited=1',
    'cryptomgr.notests',
    // The random pool is seeded by RDRAND, which is KVM's or QEMU's, and by virtio-rng: nobody waits for entropy.
    'random.trust_cpu=on',
    'net.ifnames=0',
    // What an idle kernel wakes up for: it takes 0.16 % of a processor instead of 0.43 (bench/scale). The VMM's own health
    // is looked at from outside.
    // Room for memory above 4 GiB makes Linux set 64 MiB aside for devices that cannot reach it; all of ours can.
    'swiotlb=noforce',
    // Memory that is plugged in holds the notes on its own pages: a small guest would have no room for those of much memory.
    'memory_hotplug.memmap_on_memory=1',
    'nowatchdog',
    'sysctl.vm.compaction_proactiveness=0',
    'sysctl.vm.stat_interval=120',
  ];
}

/**
 * Whether the HPET is the guest's timer instead of the processor's own. With neither, an idle guest ticks by the PIT, which
 * costs 20 ms of processor time a second instead of 4.
 */
export function needsHpet(accelerator: Accelerator['name'], mostVcpus: number): boolean {
  return accelerator === 'tcg' && mostVcpus === 1;
}

/** Ticks of a second of Debian's kernels; with more of them in a second, the guest's shortest delays only become longer. */
const HZ = 250;

/** What `lpj` takes, for a guest that reads the host's time stamp counter: BogoMIPS are 500 000 loops a second. */
const loopsPerTick = (bogoMips: number): number => Math.round((bogoMips * 500_000) / HZ);
