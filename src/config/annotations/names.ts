/** Prefix of the annotations of a sandbox that configure it, and of those that need `enable_annotations`. */
export const CONFIG_PREFIX = 'io.katacontainers.config.';
export const HYPERVISOR_PREFIX = `${CONFIG_PREFIX}hypervisor.`;

/** Upstream's annotation that names the whole configuration file. */
export const CONFIG_PATH = 'io.katacontainers.config_path';

/** The hash's kind; upstream's two runtimes have it in two places. */
export const HASH_TYPES: readonly string[] = [
  'io.katacontainers.asset_hash_type',
  `${HYPERVISOR_PREFIX}asset_hash_type`,
];

/** Those that count although they have another prefix. */
const OUTSIDE_PREFIX: readonly string[] = ['io.katacontainers.enable_vcpus_pinning', ...HASH_TYPES];

/** What asks for hardware that is not served, and why that is refused. */
export const REFUSED_ANNOTATIONS: Readonly<Record<string, string>> = {
  'sgx.intel.com/epc': 'the guest has no Intel SGX enclaves',
  [CONFIG_PATH]: 'a pod does not choose among the files of the host; its RuntimeClass chooses the configuration',
  [`${CONFIG_PREFIX}runtime.shared_mounts`]: 'mounts are not shared between containers',
};

/** Whether any of a sandbox's annotations configures it. */
export function configures(annotations: Readonly<Record<string, string>> | undefined): boolean {
  return Object.keys(configAnnotations(annotations)).length > 0;
}

/** Those of a sandbox's annotations that may shape it. */
export function configAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(annotations ?? {}).filter(
      ([name]) =>
        name.startsWith(CONFIG_PREFIX) || OUTSIDE_PREFIX.includes(name) || Object.hasOwn(REFUSED_ANNOTATIONS, name),
    ),
  );
}
