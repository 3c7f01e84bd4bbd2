import type { Accelerator } from './judge-kvm.ts';

/**
 * The first words of the guest's kernel command line; those of the configuration and of the agent come behind and win.
 * See kernel-parameters.txt of Linux for each. What each saves was measured by bench/boot.
 *
 * Unlike Kata: no `mitigations=off`, which gains nothing here.
 */
export function kernelParams(accelerator: Accelerator['name'], maxVcpus: number, debug: boolean): string[] {
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
    ...(needsHpet(accelerator, maxVcpus) ? ['nolapic_timer'] : []),
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
    'nowatchdog',
    'sysctl.vm.compaction_proactiveness=0',
    'sysctl.vm.stat_interval=120',
  ];
}

/**
 * Whether the HPET is the guest's timer instead of the processor's own. With neither, an idle guest ticks by the PIT, which
 * costs 20 ms of processor time a second instead of 4.
 */
export function needsHpet(accelerator: Accelerator['name'], maxVcpus: number): boolean {
  return accelerator === 'tcg' && maxVcpus === 1;
}
