import type { Linux, LinuxNamespace, Process, Spec } from '../protocols/gen/oci.ts';
import { deviceRulesToAgent } from './device-rules.ts';
import { isHostDevice } from './host-device.ts';
import { resourcesToAgent } from './resources-to-agent.ts';
import { seccompToAgent } from './seccomp-to-agent.ts';
import type { OciDevice, OciLinux, OciProcess, OciSpec } from './spec.ts';

/** How the runtime changes a spec on its way to the guest. */
export interface ToAgentOptions {
  /** The root file system's path in the guest; the bundle's path when not given. */
  rootPath?: string | undefined;
  /** `[runtime] disable_guest_seccomp`. Unlike Kata: false by default, so that a profile that was asked for applies. */
  disableGuestSeccomp?: boolean | undefined;
  /** Added to the spec's annotations, and stronger than those. */
  annotations?: Readonly<Record<string, string>> | undefined;
}

/**
 * A checked spec (`validate.ts`) as the message that the agent takes. What means something on the host alone is taken
 * out: hooks (run on the host), paths of namespaces, the network and time namespaces (the VM is them), the host's
 * processors and device numbers. Mounts are copied as they are: their sources are the sandbox's to replace.
 */
export function specToAgent(spec: OciSpec, options: ToAgentOptions = {}): Spec {
  return {
    version: spec.ociVersion,
    process: spec.process === undefined ? undefined : processToAgent(spec.process),
    root:
      spec.root === undefined
        ? undefined
        : { path: options.rootPath ?? spec.root.path, readonly: spec.root.readonly ?? false },
    hostname: spec.hostname ?? '',
    mounts: (spec.mounts ?? []).map((mount) => ({
      destination: mount.destination,
      source: mount.source ?? '',
      type: mount.type ?? '',
      options: [...(mount.options ?? [])],
    })),
    hooks: undefined,
    annotations: { ...spec.annotations, ...options.annotations },
    linux: linuxToAgent(spec.linux ?? {}, spec.domainname, options.disableGuestSeccomp ?? false),
    solaris: undefined,
    windows: undefined,
  };
}

/** A process of a spec, or of `Exec`'s process.json, as the agent takes it. */
export function processToAgent(process: OciProcess): Process {
  const { user = {}, capabilities } = process;
  return {
    terminal: process.terminal ?? false,
    consoleSize: process.consoleSize,
    user: {
      uid: user.uid ?? 0,
      gid: user.gid ?? 0,
      additionalGids: [...(user.additionalGids ?? [])],
      username: user.username ?? '',
      umask: user.umask,
    },
    args: [...(process.args ?? [])],
    env: [...(process.env ?? [])],
    cwd: process.cwd,
    capabilities:
      capabilities === undefined
        ? undefined
        : {
            bounding: [...(capabilities.bounding ?? [])],
            effective: [...(capabilities.effective ?? [])],
            inheritable: [...(capabilities.inheritable ?? [])],
            permitted: [...(capabilities.permitted ?? [])],
            ambient: [...(capabilities.ambient ?? [])],
          },
    rlimits: (process.rlimits ?? []).map(({ type, soft, hard }) => ({ type, soft: BigInt(soft), hard: BigInt(hard) })),
    noNewPrivileges: process.noNewPrivileges ?? false,
    // AppArmor and SELinux of the host name profiles that the guest doesn't have.
    apparmorProfile: '',
    oomScoreAdj: BigInt(process.oomScoreAdj ?? 0),
    selinuxLabel: '',
  };
}

/**
 * True when the container is to run in the pid namespace of its pod (shareProcessNamespace): containerd then gives the
 * pid namespace a path. Goes to the agent as `sandbox_pidns`, since the pid namespace itself is not sent.
 */
export function sharesPodPids(spec: OciSpec): boolean {
  return (spec.linux?.namespaces ?? []).some(({ type, path }) => type === 'pid' && (path ?? '') !== '');
}

/** nerdctl's word for a namespace whose network comes between Create and Start. */
const NERDCTL_NETWORK = 'nerdctl/network-namespace';

/** The path of the network namespace that the container manager prepared; undefined when it names none. */
export function networkNamespacePath(spec: OciSpec): string | undefined {
  const path = spec.linux?.namespaces?.find(({ type }) => type === 'network')?.path;
  return path || spec.annotations?.[NERDCTL_NETWORK] || undefined;
}

function linuxToAgent(linux: OciLinux, domainname: string | undefined, disableSeccomp: boolean): Linux {
  const sysctl = { ...linux.sysctl };
  // The message has no place for the NIS domain; the sysctl sets the very same thing in the container's uts namespace.
  if (domainname !== undefined && domainname !== '') sysctl['kernel.domainname'] ??= domainname;
  return {
    uidMappings: [],
    gidMappings: [],
    sysctl,
    resources: {
      ...resourcesToAgent(linux.resources ?? {}),
      devices: deviceRulesToAgent(linux.resources?.devices),
    },
    cgroupsPath: linux.cgroupsPath ?? '',
    namespaces: guestNamespaces(linux),
    devices: guestDevices(linux).map((device) => ({
      path: device.path,
      type: device.type,
      major: BigInt(device.major ?? 0),
      minor: BigInt(device.minor ?? 0),
      fileMode: device.fileMode ?? 0o666,
      uid: device.uid ?? 0,
      gid: device.gid ?? 0,
    })),
    seccomp: linux.seccomp === undefined || disableSeccomp ? undefined : seccompToAgent(linux.seccomp),
    rootfsPropagation: linux.rootfsPropagation ?? '',
    maskedPaths: [...(linux.maskedPaths ?? [])],
    readonlyPaths: [...(linux.readonlyPaths ?? [])],
    mountLabel: '',
    intelRdt: undefined,
  };
}

/** Without those of a privileged container that only the host has; any other container with one was refused. */
function guestDevices({ devices = [] }: OciLinux): OciDevice[] {
  return devices.filter((device) => !isHostDevice(device));
}

/** Namespaces that the agent makes by the spec: the others are the VM's, or (pid) said by `sandbox_pidns`. */
const GUEST_NAMESPACES: ReadonlySet<string> = new Set(['ipc', 'uts', 'mount']);

function guestNamespaces(linux: OciLinux): LinuxNamespace[] {
  const wanted = (linux.namespaces ?? []).filter(({ type }) => GUEST_NAMESPACES.has(type));
  return wanted.map(({ type }) => ({ type, path: '' }));
}
