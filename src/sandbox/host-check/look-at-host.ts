import { getenv } from 'std';
import { syscall } from 'sys';
import type { LoadedConfig } from '../../config/load.ts';
import { SectionValues } from '../../config/values.ts';
import { KataError } from '../../errors/kata-error.ts';
import { lookAtKvm } from '../../hypervisor/qemu/accelerator.ts';
import { availableCpus } from '../../os/cpus.ts';
import { errnoName } from '../../os/errno.ts';
import { AT_FDCWD, close, O } from '../../os/fd.ts';
import { exists, readTextIfExists } from '../../os/file.ts';
import { moduleName } from '../../os/modules-dep.ts';
import { findExecutable, run } from '../../os/process.ts';
import { isType, S, stat, statfs } from '../../os/stat.ts';
import { uname } from '../../os/uname.ts';
import { NR } from '../../syscall/numbers.ts';
import type { DeviceFacts, FileFacts, HostFacts, ModuleState, ProgramFacts, SpaceFacts } from './facts.ts';

/** A program that tells its version takes milliseconds; one that hangs is not waited for. */
const VERSION_TIMEOUT_MS = 5000;
const CONTAINERD_CONFIG = '/etc/containerd/config.toml';
const CGROUP2_SUPER_MAGIC = 0x63677270;

/**
 * Looks at this host; changes nothing, loads no module, asks nothing of the network. `loaded` is the configuration, or why
 * there is none.
 */
export async function lookAtHost(loaded: LoadedConfig | KataError): Promise<HostFacts> {
  const config = loaded instanceof KataError ? null : loaded.config;
  const modules = new ModuleStates();
  const [qemu, containerd] = await Promise.all([
    programWithVersion(config?.hypervisor.path ?? 'qemu-system-x86_64'),
    programWithVersion('containerd'),
  ]);
  return {
    architecture: uname().machine,
    isRoot: syscall(NR.geteuid) === 0,
    cpu: processor(),
    kvm: lookAtKvm(),
    kvmModules: { kvm_intel: modules.of('kvm_intel'), kvm_amd: modules.of('kvm_amd') },
    vhostNet: device('/dev/vhost-net', modules.of('vhost_net')),
    vhostVsock: device('/dev/vhost-vsock', modules.of('vhost_vsock')),
    tun: device('/dev/net/tun', modules.of('tun')),
    loop: device('/dev/loop-control', modules.of('loop')),
    overlay: fileSystem('overlay', modules),
    erofs: fileSystem('erofs', modules),
    qemu,
    mkfsErofs: program('mkfs.erofs'),
    skopeo: program('skopeo'),
    umoci: program('umoci'),
    shim: program('containerd-shim-kata-v2', getenv('PATH')),
    containerd,
    containerdConfig: containerdConfig(),
    kernel: config && file(config.hypervisor.kernelPath),
    initrd: config && file(config.hypervisor.initrdPath),
    cacheSpace: space(config?.runtime.rootfsCacheDir ?? '/var/lib/kata-containers/rootfs'),
    runSpace: space('/run'),
    templateSpace: space(config?.factory.templatePath ?? '/run/vc/vm/template'),
    ...memory(),
    cgroups: cgroups(),
    wanted: {
      accelerator: config?.hypervisor.accelerator ?? 'auto',
      memoryMib: config?.hypervisor.defaultMemoryMib ?? 2048,
      enableHugepages: !(loaded instanceof KataError) && asksForHugePages(loaded),
      failure: loaded instanceof KataError ? loaded.line : null,
      path: loaded instanceof KataError ? '' : loaded.sources[0]!,
      warnings: loaded instanceof KataError ? [] : loaded.warnings,
    },
  };
}

const asksForHugePages = ({ settings }: LoadedConfig): boolean =>
  new SectionValues(settings, 'hypervisor.qemu').flag('enable_hugepages');

/** What /proc/cpuinfo says of the first processor; all are alike. */
export function processor(): HostFacts['cpu'] {
  const text = readTextIfExists('/proc/cpuinfo') ?? '';
  const value = (name: string): string => new RegExp(`^${name}\\s*: (.*)$`, 'm').exec(text)?.[1]?.trim() ?? '';
  return {
    vendor: value('vendor_id'),
    model: value('model name'),
    count: availableCpus(),
    flags: value('flags').split(' '),
  };
}

/** Which modules the running kernel has. Read when first asked for. */
class ModuleStates {
  #builtin: Set<string> | null | undefined;
  #loadable: Set<string> | null | undefined;

  of(name: string): ModuleState {
    if (exists(`/sys/module/${name}`)) return 'loaded';
    if (this.#builtin === undefined) this.#builtin = names('modules.builtin');
    if (this.#builtin?.has(name)) return 'builtin';
    if (this.#loadable === undefined) this.#loadable = names('modules.dep');
    if (this.#loadable === null) return 'unknown';
    return this.#loadable.has(name) ? 'loadable' : 'absent';
  }
}

/** Null where there is no such list. */
function names(list: string): Set<string> | null {
  const text = readTextIfExists(`/lib/modules/${uname().release}/${list}`);
  return text === null ? null : new Set(text.split('\n').map((line) => moduleName(line.split(':')[0]!)));
}

function fileSystem(name: string, modules: ModuleStates): ModuleState {
  const known = (readTextIfExists('/proc/filesystems') ?? '').split('\n').some((line) => line.split('\t')[1] === name);
  return known ? 'builtin' : modules.of(name);
}

function device(path: string, module: ModuleState): DeviceFacts {
  const fd = syscall(NR.openat, AT_FDCWD, path, O.RDWR | O.CLOEXEC | O.NONBLOCK, 0);
  if (fd < 0) return { open: errnoName(-fd), module };
  close(fd);
  return { open: '', module };
}

function program(name: string, searchPath?: string): ProgramFacts {
  try {
    const path = findExecutable(name, searchPath);
    return { path: exists(path) ? path : null, version: '' };
  } catch {
    return { path: null, version: '' };
  }
}

async function programWithVersion(name: string): Promise<ProgramFacts> {
  const { path } = program(name);
  if (path === null) return { path, version: '' };
  try {
    const { stdout } = await run([path, '--version'], { timeoutMs: VERSION_TIMEOUT_MS });
    return { path, version: stdout };
  } catch (error) {
    // No program at all, or one that hangs.
    const { errno } = KataError.from(error);
    return { path: errno === 'ENOENT' || errno === 'EACCES' ? null : path, version: '' };
  }
}

function containerdConfig(): HostFacts['containerdConfig'] {
  const text = readTextIfExists(CONTAINERD_CONFIG);
  return text === null ? null : { path: CONTAINERD_CONFIG, namesKata: /^[^#]*\bkata\b/m.test(text) };
}

function file(path: string): FileFacts {
  try {
    const of = stat(path);
    return { path, bytes: isType(of, S.IFREG) ? of.sizeBytes : null };
  } catch {
    return { path, bytes: null };
  }
}

/** Of the folder itself, or of the nearest one above it that is there. */
function space(folder: string): SpaceFacts {
  let path = folder;
  while (path !== '' && !exists(path)) path = path.slice(0, path.lastIndexOf('/'));
  return { path: folder, availableBytes: statfs(path || '/').availableBytes };
}

function memory(): Pick<HostFacts, 'memory' | 'hugePages'> {
  const text = readTextIfExists('/proc/meminfo') ?? '';
  const value = (name: string): number => Number(new RegExp(`^${name}: +(\\d+)`, 'm').exec(text)?.[1] ?? 0);
  return {
    memory: { totalMib: Math.floor(value('MemTotal') / 1024), availableMib: Math.floor(value('MemAvailable') / 1024) },
    hugePages: { total: value('HugePages_Total'), free: value('HugePages_Free'), kib: value('Hugepagesize') },
  };
}

function cgroups(): HostFacts['cgroups'] {
  const root = '/sys/fs/cgroup';
  if (!exists(root)) return 'none';
  if (statfs(root).type === CGROUP2_SUPER_MAGIC) return 'v2';
  const types = (readTextIfExists('/proc/self/mountinfo') ?? '').matchAll(/ - (cgroup2?) /g);
  const found = new Set([...types].map(([, type]) => type));
  if (!found.has('cgroup')) return found.has('cgroup2') ? 'v2' : 'none';
  return found.has('cgroup2') ? 'hybrid' : 'v1';
}
