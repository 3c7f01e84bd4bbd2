import { exists, readTextIfExists } from '../../os/file.ts';
import { uname } from '../../os/uname.ts';
import { processor } from './look-at-host.ts';

/** The host as `kata-runtime env` shows it. */
export interface HostInfo {
  /** Ways to hide a guest from its host that this host's KVM has; none of them is served. */
  guestProtections: string[];
  kernel: string;
  /** Go's word: amd64. */
  architecture: string;
  distroName: string;
  distroVersion: string;
  cpu: { vendor: string; model: string; count: number };
  /** KiB. */
  memory: { total: number; free: number; available: number };
  /** `/dev/vhost-vsock` is there. */
  hasVsock: boolean;
}

/** Upstream's name of a protection, and the switch of KVM that says whether it is on. */
const PROTECTIONS: readonly [name: string, parameter: string][] = [
  ['tdx', '/sys/module/kvm_intel/parameters/tdx'],
  ['sev', '/sys/module/kvm_amd/parameters/sev'],
  ['snp', '/sys/module/kvm_amd/parameters/sev_snp'],
];

export function hostInfo(): HostInfo {
  const release = readTextIfExists('/etc/os-release') ?? '';
  const memory = readTextIfExists('/proc/meminfo') ?? '';
  const distro = (key: string): string => new RegExp(`^${key}="?([^"\\n]*)"?$`, 'm').exec(release)?.[1] ?? '';
  const kib = (name: string): number => Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(memory)?.[1] ?? 0);
  const { vendor, model, count } = processor();
  const { release: kernel, machine } = uname();
  return {
    guestProtections: PROTECTIONS.filter(([, path]) => /^[Y1]/.test(readTextIfExists(path) ?? '')).map(
      ([name]) => name,
    ),
    kernel,
    architecture: machine === 'x86_64' ? 'amd64' : machine === 'aarch64' ? 'arm64' : machine,
    distroName: distro('NAME'),
    distroVersion: distro('VERSION_ID'),
    cpu: { vendor, model, count },
    memory: { total: kib('MemTotal'), free: kib('MemFree'), available: kib('MemAvailable') },
    hasVsock: exists('/dev/vhost-vsock'),
  };
}
