import { judgeKvm } from '../../hypervisor/qemu/judge-kvm.ts';
import { formatVersion, MINIMUM_VERSION, parseVersionText } from '../../hypervisor/qemu/version.ts';
import type { DeviceFacts, FileFacts, HostFacts, ModuleState, ProgramFacts, SpaceFacts } from './facts.ts';
import type { Need, NeedState } from './need.ts';

const MIB = 2 ** 20;
/** Less than this leaves no room for a single image of a root. */
const LEAST_CACHE_BYTES = 64 * MIB;
/** Sockets, state, and the output of detached containers. */
const LEAST_RUN_BYTES = 4 * MIB;
/** A template of the default guest takes 166 MiB (SPECIFICATION.md). */
const TEMPLATE_BYTES = 256 * MIB;

/** What a host has of all that containers need, what stands in for the rest, and how to get it. */
export function judgeHost(facts: HostFacts): Need[] {
  return [
    configuration(facts),
    root(facts),
    processor(facts),
    kvm(facts),
    qemu(facts),
    file('guest kernel', facts.kernel),
    file('guest initrd', facts.initrd),
    mkfsErofs(facts),
    imagePrograms(facts),
    vhostNet(facts),
    tun(facts),
    vhostVsock(facts),
    overlay(facts),
    fileSystem('erofs', facts.erofs),
    loop(facts),
    memory(facts),
    hugePages(facts),
    space('space for root images', facts.cacheSpace, LEAST_CACHE_BYTES, 'rootfs_cache_dir in [runtime]'),
    space('space in /run', facts.runSpace, LEAST_RUN_BYTES, 'mount -o remount,size=64M /run'),
    templates(facts),
    cgroups(facts),
    shim(facts),
    containerd(facts),
  ];
}

function configuration({ wanted: { failure, path, warnings } }: HostFacts): Need {
  const name = 'configuration';
  if (failure !== null) return { name, state: 'missing', found: failure };
  if (warnings.length === 0) return { name, state: 'there', found: path };
  const count = `${warnings.length} of its settings ${warnings.length === 1 ? 'is' : 'are'} not acted on`;
  return { name, state: 'there', found: `${path}; ${count} (--verbose tells which)` };
}

function root({ isRoot }: HostFacts): Need {
  if (isRoot) return { name: 'root', state: 'there', found: 'this is root' };
  return { name: 'root', state: 'missing', found: 'another user', get: 'sudo kata-runtime check' };
}

function processor({ architecture, cpu: { vendor, model, count, flags } }: HostFacts): Need {
  const found = `${model || vendor || architecture}, ${count} of them`;
  const name = 'processor';
  if (architecture !== 'x86_64')
    return { name, state: 'missing', found: architecture, get: 'a host of architecture x86_64' };
  const virtualization = flags.includes('vmx') ? 'VT-x' : flags.includes('svm') ? 'AMD-V' : null;
  if (virtualization !== null) return { name, state: 'there', found: `${found}, ${virtualization}` };
  const isGuest = flags.includes('hypervisor');
  return {
    name,
    state: 'instead',
    found: `${found}, without VT-x or AMD-V`,
    instead: EMULATION,
    get: isGuest ? 'enable nested virtualization for this machine' : 'enable virtualization in the firmware',
  };
}

const EMULATION = "QEMU translates the guest's code (TCG): all that runs there is many times slower";

function kvm({ kvm: found, kvmModules, cpu, wanted }: HostFacts): Need {
  const name = 'KVM';
  const judged = judgeKvm(found);
  if (judged.name === 'kvm') {
    const state: NeedState = wanted.accelerator === 'tcg' ? 'unused' : 'there';
    return { name, state, found: state === 'there' ? judged.reason : 'there, but accelerator = "tcg" is configured' };
  }
  if (wanted.accelerator === 'tcg') return { name, state: 'unused', found: 'accelerator = "tcg" is configured' };
  const why = judged.reason.replace(/^TCG \(emulation\): /, '');
  const module = cpu.flags.includes('svm') ? 'kvm_amd' : cpu.flags.includes('vmx') ? 'kvm_intel' : null;
  const isLoadable = module !== null && ['loadable', 'unknown'].includes(kvmModules[module]) && found.open === 'ENOENT';
  const get = isLoadable ? `modprobe ${module}` : judged.hint!;
  if (wanted.accelerator === 'kvm')
    return { name, state: 'missing', found: `${why}; accelerator = "kvm" insists on it`, get };
  return { name, state: 'instead', found: why, instead: EMULATION, get };
}

function qemu({ qemu: { path, version } }: HostFacts): Need {
  const name = 'QEMU';
  const get = 'apt install qemu-system-x86, or set path in [hypervisor.qemu]';
  if (path === null) return { name, state: 'missing', found: 'not found', get };
  const parsed = parseVersionText(version);
  if (parsed === null) return { name, state: 'missing', found: `${path} tells no version`, get };
  const { major, minor } = MINIMUM_VERSION;
  const isNew = parsed.major > major || (parsed.major === major && parsed.minor >= minor);
  if (isNew) return { name, state: 'there', found: `${formatVersion(parsed)}, ${path}` };
  const found = `${formatVersion(parsed)}, ${path}; ${major}.${minor} is the oldest that serves`;
  return { name, state: 'missing', found, get };
}

function file(name: string, of: FileFacts | null): Need {
  if (of === null) return { name, state: 'missing', found: 'the configuration names none that can be read' };
  const get = 'npm run build makes it; or name another one in [hypervisor.qemu]';
  if (of.bytes === null) return { name, state: 'missing', found: `no file at ${of.path}`, get };
  return { name, state: 'there', found: `${of.path}, ${mib(of.bytes)}` };
}

function mkfsErofs({ mkfsErofs: { path } }: HostFacts): Need {
  const name = 'mkfs.erofs';
  if (path !== null) return { name, state: 'there', found: path };
  return {
    name,
    state: 'missing',
    found: 'not found: roots reach the guest as EROFS images',
    get: 'apt install erofs-utils',
  };
}

function imagePrograms({ skopeo, umoci }: HostFacts): Need {
  const name = 'skopeo, umoci';
  const programs: [string, ProgramFacts][] = [
    ['skopeo', skopeo],
    ['umoci', umoci],
  ];
  const absent = programs.filter(([, { path }]) => path === null).map(([each]) => each);
  if (absent.length === 0) return { name, state: 'there', found: `${skopeo.path}, ${umoci.path}` };
  return {
    name,
    state: 'instead',
    found: `no ${absent.join(' and no ')}`,
    instead: 'images come through containerd alone: kata-runtime run and pull fetch none',
    get: `apt install ${absent.join(' ')}`,
  };
}

function vhostNet({ vhostNet: device }: HostFacts): Need {
  return deviceNeed('/dev/vhost-net', device, 'vhost_net', {
    instead: 'QEMU moves packets itself: less throughput, more processor time',
  });
}

function vhostVsock({ vhostVsock: device }: HostFacts): Need {
  return deviceNeed('/dev/vhost-vsock', device, 'vhost_vsock', {
    instead: 'the agent is reached over virtio-serial, which costs nothing that was measured',
  });
}

function tun({ tun: device }: HostFacts): Need {
  return deviceNeed('/dev/net/tun', device, 'tun', {
    instead: 'no guest joins a network: it has a loopback interface only',
  });
}

function loop({ loop: device }: HostFacts): Need {
  const name = '/dev/loop-control';
  if (device.open === '') return { name, state: 'there', found: 'opens' };
  return { name, state: 'unused', found: `${device.open}; only snapshotters that keep file systems in files need it` };
}

function deviceNeed(name: string, device: DeviceFacts, module: string, { instead }: { instead: string }): Need {
  if (device.open === '') return { name, state: 'there', found: 'opens' };
  return { name, state: 'instead', found: device.open, instead, get: moduleGet(module, device) };
}

function moduleGet(module: string, { open, module: state }: DeviceFacts): string {
  if (open === 'EACCES' || open === 'EPERM') return 'run as root, or give this user the right to open it';
  if (state === 'absent') return `a kernel that has the module ${module}`;
  if (state === 'unknown') return `modprobe ${module}, or a kernel that has it`;
  return state === 'loadable'
    ? `modprobe ${module}`
    : `make the node: the kernel has ${module}, udev or devtmpfs is missing`;
}

function overlay({ overlay: state }: HostFacts): Need {
  const name = 'overlay';
  if (isThere(state)) return { name, state: 'there', found: state === 'loadable' ? 'can be loaded' : 'in the kernel' };
  return {
    name,
    state: 'instead',
    found: 'not in this kernel',
    instead: 'containerd needs another snapshotter than overlayfs, such as native, which copies',
    get: 'a kernel that has the module overlay',
  };
}

/** The host's kernel need not read it: mkfs.erofs writes it, the guest mounts it. */
function fileSystem(name: string, state: ModuleState): Need {
  if (isThere(state)) return { name, state: 'there', found: state === 'loadable' ? 'can be loaded' : 'in the kernel' };
  return { name, state: 'unused', found: "not in this kernel; only containerd's own erofs snapshotter mounts it here" };
}

const isThere = (state: ModuleState): boolean => state !== 'absent' && state !== 'unknown';

function memory({ memory: { totalMib, availableMib }, wanted: { memoryMib } }: HostFacts): Need {
  const name = 'memory';
  const found = `${availableMib} of ${totalMib} MiB available; a guest may take ${memoryMib}`;
  if (availableMib >= memoryMib) return { name, state: 'there', found };
  const get = 'lower default_memory in [hypervisor.qemu], or end something';
  if (totalMib < memoryMib / 2) return { name, state: 'missing', found, get };
  return {
    name,
    state: 'instead',
    found,
    instead: 'a guest that uses all of its memory is killed, or others are',
    get,
  };
}

function hugePages({ hugePages: { total, free, kib }, wanted: { enableHugepages } }: HostFacts): Need {
  const name = 'huge pages';
  const found = total === 0 ? 'none are reserved' : `${free} of ${total} free, of ${kib} KiB`;
  if (!enableHugepages) return { name, state: 'unused', found: `${found}; enable_hugepages is not set` };
  if (free > 0) return { name, state: 'there', found };
  return {
    name,
    state: 'instead',
    found,
    instead: 'guests have memory of plain pages',
    get: 'sysctl vm.nr_hugepages=1024',
  };
}

function space(name: string, { path, availableBytes }: SpaceFacts, least: number, get: string): Need {
  const found = `${mib(availableBytes)} at ${path}`;
  if (availableBytes >= least) return { name, state: 'there', found };
  return { name, state: 'missing', found: `${found}; ${mib(least)} are the least`, get: `free some, or change ${get}` };
}

function templates({ templateSpace: { path, availableBytes } }: HostFacts): Need {
  const name = 'space for templates';
  const found = `${mib(availableBytes)} at ${path}`;
  if (availableBytes >= TEMPLATE_BYTES) return { name, state: 'there', found };
  return {
    name,
    state: 'instead',
    found,
    instead: 'VMs boot instead of being clones, which takes seconds',
    get: 'free some memory, or set template_path in [factory] to a tmpfs that has room',
  };
}

function cgroups({ cgroups: found }: HostFacts): Need {
  const name = 'cgroups';
  if (found !== 'none') return { name, state: 'there', found: found === 'hybrid' ? 'v1, with v2 beside it' : found };
  return {
    name,
    state: 'instead',
    found: 'none is mounted',
    instead: 'nothing limits a VM as a whole; limits of containers hold in the guest',
    get: 'mount -t cgroup2 none /sys/fs/cgroup',
  };
}

function shim({ shim: { path } }: HostFacts): Need {
  const name = "containerd's shim";
  if (path !== null) return { name, state: 'there', found: path };
  return {
    name,
    state: 'instead',
    found: 'containerd-shim-kata-v2 is in no folder where containerd looks',
    instead: 'kata-runtime run works, containerd and Kubernetes find no runtime',
    get: 'npm run install:system',
  };
}

function containerd({ containerd: { path, version }, containerdConfig }: HostFacts): Need {
  const name = 'containerd';
  if (path === null)
    return { name, state: 'unused', found: 'not found; kata-runtime run needs none, Kubernetes and ctr do' };
  const found = [/ v?(\d+\.\d+\.\d+\S*)/.exec(version)?.[1] ?? '', path].filter(Boolean).join(', ');
  if (containerdConfig === null)
    return { name, state: 'there', found: `${found}; no configuration: ctr --runtime io.containerd.kata.v2 works` };
  if (containerdConfig.namesKata)
    return { name, state: 'there', found: `${found}; ${containerdConfig.path} names kata` };
  return {
    name,
    state: 'instead',
    found: `${found}; ${containerdConfig.path} does not name kata`,
    instead: 'ctr and nerdctl work with --runtime io.containerd.kata.v2, a RuntimeClass does not',
    get: 'a runtime kata with runtime_type = "io.containerd.kata.v2" there, then restart containerd',
  };
}

function mib(bytes: number): string {
  return bytes >= 1024 * MIB
    ? `${(bytes / 1024 / MIB).toFixed(1)} GiB`
    : `${(bytes / MIB).toFixed(bytes < 10 * MIB ? 1 : 0)} MiB`;
}
