import { KataError } from '../errors/kata-error.ts';
import type {
  AgentConfig,
  Config,
  FactoryConfig,
  HypervisorConfig,
  KernelModuleConfig,
  RuntimeConfig,
} from './config.ts';
import type { Settings } from './read-file.ts';
import { SectionValues } from './values.ts';

/** The typed configuration from the settings of all files. `file` is named where a setting is missing. */
export function toConfig(settings: Settings, sections: readonly string[], file: string): Config {
  const agent = new SectionValues(settings, 'agent.kata');
  requireQemu(settings, sections, file);
  return {
    hypervisor: hypervisorConfig(new SectionValues(settings, 'hypervisor.qemu'), file),
    agent: agentConfig(agent),
    runtime: runtimeConfig(new SectionValues(settings, 'runtime'), agent, file),
    factory: factoryConfig(new SectionValues(settings, factorySection(settings))),
  };
}

/** `hypervisor_name` chooses among the sections; without it there may be one, or QEMU's among others. */
function requireQemu(settings: Settings, sections: readonly string[], file: string): void {
  const names = sections.filter((name) => /^hypervisor\.[^.]+$/.test(name)).map((name) => name.slice(11));
  const chosen = settings.get('runtime.hypervisor_name');
  const name = (chosen?.value as string | undefined) ?? (names.includes('qemu') ? 'qemu' : names[0]);
  if (name === 'qemu' && names.includes('qemu')) return;
  if (name === undefined || name === 'qemu')
    throw new KataError('invalid-argument', `${file}: expected a section [hypervisor.qemu], found none`, {
      hint: 'name the kernel and the initrd there; config/configuration.toml shows how',
    });
  throw new KataError('unimplemented', `${file}: expected the hypervisor qemu, found ${name}`, {
    hint: 'use a configuration with [hypervisor.qemu]',
  });
}

function hypervisorConfig(values: SectionValues, file: string): HypervisorConfig {
  const vcpus = values.number('default_vcpus');
  const sandboxKey = (['seccompsandbox', 'seccomp_sandbox'] as const).find((key) => values.isSet(key));
  const config: HypervisorConfig = {
    type: 'qemu',
    path: values.path('path', { bareNames: true }),
    validPaths: values.strings('valid_hypervisor_paths'),
    kernelPath: values.path('kernel'),
    initrdPath: values.path('initrd'),
    kernelParams: words(values.text('kernel_params')),
    accelerator: values.served('accelerator'),
    tcgTbSizeMib: values.number('tcg_tb_size_mib'),
    machineType: values.served('machine_type'),
    machineAccelerators: values.text('machine_accelerators'),
    cpuFeatures: values.text('cpu_features'),
    defaultVcpus: vcpus < 0 ? 0 : Math.max(1, Math.ceil(vcpus)),
    maxVcpus: values.number('default_maxvcpus'),
    defaultMemoryMib: values.number('default_memory'),
    maxMemoryMib: values.number('default_maxmemory'),
    memorySlots: values.number('memory_slots'),
    seccompSandbox: sandboxKey === undefined ? undefined : values.text(sandboxKey),
    sharedFs: values.served('shared_fs'),
    blockDeviceDriver: values.served('block_device_driver'),
    blockDeviceAio: values.served('block_device_aio'),
    blockDeviceCacheSet: values.flag('block_device_cache_set'),
    blockDeviceCacheDirect: values.flag('block_device_cache_direct'),
    blockDeviceCacheNoflush: values.flag('block_device_cache_noflush'),
    enableIothreads: values.flag('enable_iothreads'),
    reclaimGuestFreedMemory: values.flag('reclaim_guest_freed_memory'),
    disableVhostNet: values.flag('disable_vhost_net'),
    receiveBitsPerSecond: BigInt(values.number('rx_rate_limiter_max_rate')),
    sendBitsPerSecond: BigInt(values.number('tx_rate_limiter_max_rate')),
    entropySource: values.text('entropy_source'),
    validEntropySources: values.strings('valid_entropy_sources'),
    enableAnnotations: values.strings('enable_annotations'),
    guestHookPath: values.text('guest_hook_path'),
    enableDebug: isDebug(values),
  };
  requireInitrd(values, config.initrdPath);
  for (const [key, path] of [
    ['kernel', config.kernelPath],
    ['initrd', config.initrdPath],
  ] as const)
    if (path === '')
      throw new KataError('invalid-argument', `${file}: ${key} in [hypervisor.qemu]: expected a path, found nothing`, {
        hint: `set it to the guest's ${key}`,
      });
  return config;
}

/** Upstream's configurations have either; ours boot an initrd. */
function requireInitrd(values: SectionValues, initrd: string): void {
  const image = values.text('image');
  if (image === '') return;
  const where = `${values.where('image')}: image in [hypervisor.qemu]`;
  if (initrd === '')
    throw new KataError('unimplemented', `${where}: a guest from an image is not served yet`, {
      hint: 'set initrd instead',
    });
  throw new KataError(
    'invalid-argument',
    `${where}: expected either image or initrd, found both: ${image}, ${initrd}`,
    {
      hint: 'remove image; a guest from an image is not served yet',
    },
  );
}

function agentConfig(values: SectionValues): AgentConfig {
  const inMs = !values.isSet('dial_timeout') && values.isSet('reconnect_timeout_ms');
  return {
    dialTimeoutMs: inMs ? values.number('reconnect_timeout_ms') : values.number('dial_timeout') * 1000,
    enableDebug: isDebug(values),
    debugConsoleEnabled: values.flag('debug_console_enabled'),
    debugConsoleShell: values.path('debug_console_shell'),
    kernelModules: values.strings('kernel_modules').flatMap(kernelModule),
    launchProcessTimeoutMs: values.number('launch_process_timeout') * 1000,
    containerPipeSizeBytes: values.number('container_pipe_size'),
  };
}

function runtimeConfig(values: SectionValues, agent: SectionValues, file: string): RuntimeConfig {
  const internetworkingModel: RuntimeConfig['internetworkingModel'] = values.served('internetworking_model');
  const disableNewNetns = values.flag('disable_new_netns');
  if (disableNewNetns && internetworkingModel !== 'none')
    throw new KataError(
      'invalid-argument',
      `${file}: disable_new_netns = true in [runtime] is expected with internetworking_model = "none", found "${internetworkingModel}"`,
      {
        hint: 'without a network namespace there is nothing to connect a guest to; set internetworking_model = "none"',
      },
    );
  const inAgent = !values.isSet('create_container_timeout') && agent.isSet('create_container_timeout');
  const timed = inAgent ? agent : values;
  return {
    enableDebug: isDebug(values),
    createContainerTimeoutMs: timed.number('create_container_timeout') * 1000,
    staticSandboxResourceMgmt: values.flag('static_sandbox_resource_mgmt'),
    disableGuestSeccomp: values.flag('disable_guest_seccomp'),
    sandboxCgroupOnly: values.flag('sandbox_cgroup_only'),
    internetworkingModel,
    disableNewNetns,
    fixMtab: values.served('fix_mtab'),
    rootfsCacheDir: values.path('rootfs_cache_dir'),
    rootfsCacheSizeMib: values.number('rootfs_cache_size_mib'),
    writableLayerSizeMib: values.number('writable_layer_size_mib'),
  };
}

/** Upstream's Go runtime has a flag for it, the Rust runtime a level. */
function isDebug(values: SectionValues): boolean {
  return values.flag('enable_debug') || ['trace', 'debug'].includes(values.text('log_level'));
}

/** Upstream's Rust runtime has the section within the hypervisor's; the one outside, of the Go runtime, is stronger. */
function factorySection(settings: Settings): string {
  const within = 'hypervisor.qemu.factory';
  const names = [...settings.keys()];
  return !names.some((name) => name.startsWith('factory.')) && names.some((name) => name.startsWith(`${within}.`))
    ? within
    : 'factory';
}

function factoryConfig(values: SectionValues): FactoryConfig {
  return {
    enableTemplate: values.flag('enable_template'),
    templatePath: values.path('template_path'),
    templateMaxNumber: values.number('template_max_number'),
    templateMaxMib: values.number('template_max_mib'),
    vmCacheNumber: values.number('vm_cache_number'),
    vmCacheEndpoint: values.path('vm_cache_endpoint'),
  };
}

function kernelModule(text: string): KernelModuleConfig[] {
  const [name, ...parameters] = words(text);
  return name === undefined ? [] : [{ name, parameters }];
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
