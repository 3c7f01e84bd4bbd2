import { LOG_LEVELS, type LogLevel } from '../log/log-level.ts';

/** What the kernel's command line tells the agent, defaults filled in. Names of the keys: see `KEYS`. */
export interface AgentParameters {
  logLevel: LogLevel;
  /** The vsock port to serve, or the unix socket, for tests outside a VM. */
  server: { vsockPort: number } | { unixPath: string };
  /** How long a device may take to appear. */
  hotplugTimeoutMs: number;
  /** How long a process may take to be set up. */
  launchProcessTimeoutMs: number;
  /** Bytes of a container's stdio pipes; 0 leaves the kernel's default of 64 KiB. */
  containerPipeSizeBytes: number;
  /** An image whose `/etc/mtab` is a regular file gets the symlink that lets `df` tell the truth. */
  fixMtab: 'auto' | 'off';
  /** The host may open a shell in the guest. */
  debugConsole: boolean;
  /** Core dumps are written, and everything is logged. */
  developerMode: boolean;
}

export interface ParsedCommandLine {
  parameters: AgentParameters;
  /** One sentence for each key that is not acted on, not known, or holds what it cannot hold. */
  warnings: string[];
}

const DEFAULTS: AgentParameters = {
  logLevel: 'info',
  server: { vsockPort: 1024 },
  hotplugTimeoutMs: 3000,
  launchProcessTimeoutMs: 6000,
  containerPipeSizeBytes: 0,
  fixMtab: 'auto',
  debugConsole: false,
  developerMode: false,
};

/** What came of one value: a part of the parameters; a sentence when it is not acted on; null when it is malformed. */
type Outcome = Partial<AgentParameters> | string | null;

/** How a key's value is read. `value` is undefined for a key without `=`. */
interface Key {
  /** What the value must be, for the warning about one that is not. */
  expected: string;
  read(value: string | undefined): Outcome;
}

const NO_CONSOLE_PORT = 'the debug console is opened over the agent channel, no port is listened at';

function seconds(field: 'hotplugTimeoutMs' | 'launchProcessTimeoutMs'): Key {
  return {
    expected: 'a number of seconds above 0',
    read: (value) => {
      const count = natural(value);
      return count === null || count === 0 ? null : { [field]: count * 1000 };
    },
  };
}

/** A key of upstream's agent that means something that this agent does not have. */
function notActedOn(what: string): Key {
  return { expected: 'anything', read: () => what };
}

/** A key that asks for what this agent does anyway, or nothing at all, when its value is one of these. */
function onlyActedOnAs(values: readonly string[], what: string): Key {
  return { expected: 'anything', read: (value) => (values.includes(value ?? '') ? {} : what) };
}

const NO_ATTESTATION = 'there are no confidential-computing components in this guest';
const NO_PASSFD = 'stdio goes over the agent channel';
const NO_MEM_AGENT = 'there is no memory agent in this guest';
const MEM_AGENT_KEYS = [
  ...['disable', 'swap', 'swappiness_max', 'period_secs', 'period_psi_percent_limit'].map((name) => `memcg_${name}`),
  ...['eviction_psi_percent_limit', 'eviction_run_aging_count_min'].map((name) => `memcg_${name}`),
  ...['disable', 'period_secs', 'period_psi_percent_limit', 'psi_percent_limit'].map((name) => `compact_${name}`),
  ...['sec_max', 'order', 'threshold', 'force_times'].map((name) => `compact_${name}`),
];

/** Every `agent.*` key: upstream's, and `agent.fix_mtab`, which is ours. */
const KEYS: Readonly<Record<string, Key>> = {
  log: {
    expected: LOG_LEVELS.join(', '),
    read: (value) => {
      const level = LOG_LEVELS.find((known) => known === value?.toLowerCase());
      return level === undefined ? null : { logLevel: level };
    },
  },
  server_addr: { expected: 'vsock://<cid>:<port> or unix://<path>', read: serverAddress },
  hotplug_timeout: seconds('hotplugTimeoutMs'),
  launch_process_timeout: seconds('launchProcessTimeoutMs'),
  container_pipe_size: {
    expected: 'a number of bytes',
    read: (value) => {
      const size = natural(value);
      return size === null ? null : { containerPipeSizeBytes: size };
    },
  },
  fix_mtab: {
    expected: 'auto or off',
    read: (value) => (value === 'auto' || value === 'off' ? { fixMtab: value } : null),
  },
  devmode: {
    expected: 'true or false',
    read: (value) => {
      const on = flag(value);
      return on === null ? null : { developerMode: on };
    },
  },
  debug_console: {
    expected: 'true or false',
    read: (value) => {
      const on = flag(value);
      return on === null ? null : { debugConsole: on };
    },
  },
  debug_console_vport: onlyActedOnAs(['0'], NO_CONSOLE_PORT),
  log_vport: onlyActedOnAs(['0'], 'the log goes to the console'),
  trace: { expected: 'true or false', read: (value) => (flag(value) === false ? {} : 'there is no tracing exporter') },
  passfd_listener_port: onlyActedOnAs(['0'], NO_PASSFD),
  config_file: notActedOn('the command line is what is read'),
  cdh_api_timeout: notActedOn(NO_ATTESTATION),
  image_pull_timeout: notActedOn('images come from the host'),
  cdi_timeout: notActedOn('there are no CDI devices in this guest'),
  visible_cdi_devices: onlyActedOnAs(['false'], 'there are no CDI devices in this guest'),
  https_proxy: notActedOn('images come from the host'),
  no_proxy: notActedOn('images come from the host'),
  image_registry_auth: notActedOn('images come from the host'),
  enable_signature_verification: onlyActedOnAs(['false'], 'images come from the host, which verifies them'),
  image_policy_file: notActedOn('images come from the host'),
  aa_kbc_params: notActedOn(NO_ATTESTATION),
  guest_components_rest_api: notActedOn(NO_ATTESTATION),
  guest_components_procs: onlyActedOnAs(['none'], NO_ATTESTATION),
  secure_storage_integrity: onlyActedOnAs(['false'], NO_ATTESTATION),
  mem_agent_enable: { expected: 'true or false', read: (value) => (flag(value) === false ? {} : NO_MEM_AGENT) },
  ...Object.fromEntries(MEM_AGENT_KEYS.map((name) => [`mem_agent_${name}`, notActedOn(NO_MEM_AGENT)])),
};

/** Reads `/proc/cmdline`. The last of several values counts. Keys that don't begin with `agent.` are the kernel's. */
export function parseKernelCommandLine(text: string): ParsedCommandLine {
  const parameters = { ...DEFAULTS };
  const warnings: string[] = [];
  for (const word of words(text)) {
    if (!word.startsWith('agent.')) continue;
    const [name, value] = splitWord(word.slice('agent.'.length));
    const key = Object.hasOwn(KEYS, name) ? KEYS[name] : undefined;
    const outcome = key?.read(value);
    if (key === undefined) warnings.push(`agent.${name} on the kernel command line is not known`);
    else if (outcome === null || outcome === undefined)
      warnings.push(`agent.${name} is expected to be ${key.expected}, found ${JSON.stringify(value ?? '')}`);
    else if (typeof outcome === 'string') warnings.push(`agent.${name} has no effect: ${outcome}`);
    else Object.assign(parameters, outcome);
  }
  if (parameters.developerMode) parameters.logLevel = 'debug';
  return { parameters, warnings };
}

/** Words are parted by white space; double quotes hold it together, as the kernel's own parser has it. */
function words(text: string): string[] {
  // The plain way first: what is done for the first time takes milliseconds under emulation.
  if (!text.includes('"')) return text.trim().split(' ');
  return [...text.matchAll(/(?:[^\s"]|"[^"]*"?)+/g)].map(([word]) => word.replaceAll('"', ''));
}

function splitWord(word: string): [name: string, value: string | undefined] {
  const equals = word.indexOf('=');
  return equals < 0 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)];
}

function flag(value: string | undefined): boolean | null {
  if (value === undefined || value === 'true' || value === '1') return true;
  return value === 'false' || value === '0' ? false : null;
}

function natural(value: string | undefined): number | null {
  if (value === undefined || !/^\d{1,9}$/.test(value)) return null;
  return Number(value);
}

function serverAddress(value: string | undefined): Outcome {
  const vsock = value?.match(/^vsock:\/\/(?:-1|\d+):(\d{1,9})$/);
  if (vsock) return { server: { vsockPort: Number(vsock[1]) } };
  const unix = value?.match(/^unix:\/\/(\/.+)$/);
  return unix ? { server: { unixPath: unix[1]! } } : null;
}
