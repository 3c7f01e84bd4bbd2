import { SectionValues } from '../../config/values.ts';
import { readlink } from '../../os/file.ts';
import { hostInfo } from '../../sandbox/host-check/host-info.ts';
import { judgeHost } from '../../sandbox/host-check/judge-host.ts';
import { lookAtHost } from '../../sandbox/host-check/look-at-host.ts';
import { isCapable } from '../../sandbox/host-check/need.ts';
import { VERSION } from '../../version.ts';
import type { RuntimeContext } from '../context.ts';
import { loadRuntimeConfig, readRuntimeConfig } from '../load-config.ts';
import { print } from '../output.ts';
import { formatToml } from './format-toml.ts';
import { type EnvInfo, SCHEMA_VERSION } from './schema.ts';

/** The runtime-spec that specs are read by. */
const OCI_VERSION = '1.2.0';

/** `kata-runtime env`: the settings and the host, in upstream's schema. */
export async function env(this: RuntimeContext, flags: { json?: boolean }): Promise<void> {
  const info = await envInfo(this);
  print(flags.json ? `${JSON.stringify(info, null, 2)}\n` : formatToml(info));
}

async function envInfo({ global }: RuntimeContext): Promise<EnvInfo> {
  const { path } = loadRuntimeConfig(global);
  const loaded = readRuntimeConfig(global);
  const { hypervisor, agent, runtime } = loaded.config;
  const hypervisorKeys = new SectionValues(loaded.settings, 'hypervisor.qemu');
  const runtimeKeys = new SectionValues(loaded.settings, 'runtime');
  const agentKeys = new SectionValues(loaded.settings, 'agent.kata');
  const facts = await lookAtHost(loaded);
  const host = hostInfo();
  return {
    Kernel: { Path: hypervisor.kernelPath, Parameters: hypervisor.kernelParams.join(' ') },
    Meta: { Version: SCHEMA_VERSION },
    Image: { Path: '' },
    Initrd: { Path: hypervisor.initrdPath },
    Hypervisor: {
      MachineType: hypervisor.machineType,
      Version: facts.qemu.version.trim() || '<<unknown>>',
      Path: facts.qemu.path ?? hypervisor.path,
      BlockDeviceDriver: hypervisor.blockDeviceDriver,
      EntropySource: hypervisor.entropySource,
      SharedFS: hypervisor.sharedFs,
      VirtioFSDaemon: '',
      SocketPath: '',
      Msize9p: hypervisorKeys.number('msize_9p'),
      MemorySlots: hypervisorKeys.number('memory_slots'),
      HotPlugVFIO: hypervisorKeys.text('hot_plug_vfio'),
      ColdPlugVFIO: hypervisorKeys.text('cold_plug_vfio'),
      PCIeRootPort: hypervisorKeys.number('pcie_root_port'),
      PCIeSwitchPort: hypervisorKeys.number('pcie_switch_port'),
      Debug: hypervisor.enableDebug,
      SecurityInfo: {
        Rootless: hypervisorKeys.flag('rootless'),
        // For QEMU this is `seccompsandbox`: empty is none.
        DisableSeccomp: hypervisor.seccompSandbox === '',
        GuestHookPath: hypervisor.guestHookPath,
        EnableAnnotations: hypervisor.enableAnnotations,
        ConfidentialGuest: hypervisorKeys.flag('confidential_guest'),
      },
    },
    Runtime: {
      Config: { Path: path },
      Path: readlink('/proc/self/exe'),
      GuestSeLinuxLabel: runtimeKeys.text('guest_selinux_label'),
      Experimental: runtimeKeys.strings('experimental'),
      Version: { OCI: OCI_VERSION, Version: version() },
      Debug: runtime.enableDebug,
      Trace: runtimeKeys.flag('enable_tracing'),
      DisableGuestSeccomp: runtime.disableGuestSeccomp,
      DisableNewNetNs: runtimeKeys.flag('disable_new_netns'),
      SandboxCgroupOnly: runtimeKeys.flag('sandbox_cgroup_only'),
    },
    Host: {
      AvailableGuestProtections: host.guestProtections,
      Kernel: host.kernel,
      Architecture: host.architecture,
      Distro: { Name: host.distroName, Version: host.distroVersion },
      CPU: { Vendor: host.cpu.vendor, Model: host.cpu.model, CPUs: host.cpu.count },
      Memory: { Total: host.memory.total, Free: host.memory.free, Available: host.memory.available },
      VMContainerCapable: isCapable(judgeHost(facts), false),
      SupportVSocks: host.hasVsock,
    },
    Agent: { Debug: agent.enableDebug, Trace: agentKeys.flag('enable_tracing') },
  };
}

function version(): EnvInfo['Runtime']['Version']['Version'] {
  const [major = 0, minor = 0, patch = 0] = VERSION.split(/[.-]/).map(Number);
  return { Semver: VERSION, Commit: '', Major: major, Minor: minor, Patch: patch };
}
