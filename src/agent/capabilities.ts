import { KataError } from '../errors/kata-error.ts';
import type { LinuxCapabilities } from '../protocols/gen/oci.ts';

/** Every capability in the order of its bit (capabilities(7), linux/capability.h). */
export const CAPABILITY_NAMES = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
] as const;

/** The five sets of a process (capabilities(7)), one bit for each capability. */
export interface CapabilityMasks {
  bounding: bigint;
  effective: bigint;
  inheritable: bigint;
  permitted: bigint;
  ambient: bigint;
}

const BITS: ReadonlyMap<string, bigint> = new Map(CAPABILITY_NAMES.map((name, bit) => [name, 1n << BigInt(bit)]));

/**
 * The sets of a spec as masks. A process without any has none. Throws `invalid-argument` for a name that Linux doesn't
 * know and for an effective capability that isn't permitted, which the kernel would refuse without naming it.
 *
 * An ambient capability that isn't permitted and inheritable is left out: the kernel lets nobody raise it, and specs
 * made before CVE-2022-24769 was fixed ask for such.
 */
export function capabilityMasks(capabilities: LinuxCapabilities | undefined): CapabilityMasks {
  const masks: CapabilityMasks = { bounding: 0n, effective: 0n, inheritable: 0n, permitted: 0n, ambient: 0n };
  if (capabilities === undefined) return masks;
  for (const set of ['bounding', 'effective', 'inheritable', 'permitted', 'ambient'] as const)
    for (const name of capabilities[set]) masks[set] |= bitOf(name, set);
  const beyond = masks.effective & ~masks.permitted;
  if (beyond !== 0n) {
    const name = CAPABILITY_NAMES.find((each) => (BITS.get(each)! & beyond) !== 0n);
    throw new KataError(
      'invalid-argument',
      `process.capabilities.effective: expected capabilities that are permitted, found ${name}`,
      { hint: 'add it to process.capabilities.permitted' },
    );
  }
  masks.ambient &= masks.permitted & masks.inheritable;
  return masks;
}

function bitOf(name: string, set: string): bigint {
  const bit = BITS.get(name);
  if (bit !== undefined) return bit;
  throw new KataError(
    'invalid-argument',
    `process.capabilities.${set}: expected names like CAP_KILL, found '${name}'`,
    {
      hint: 'capabilities(7) lists all names',
    },
  );
}
