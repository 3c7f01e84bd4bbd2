import { KataError } from '../errors/kata-error.ts';

/** What a container is to the runtime: the pod itself, a member of a pod, or one that stands alone (ctr, nerdctl, docker). */
export type ContainerKind = 'pod-sandbox' | 'pod-container' | 'single';

/** What the annotations of a container say about it. */
export interface ContainerIdentity {
  kind: ContainerKind;
  /** The sandbox it belongs to; of a pod's sandbox and of a single container its own id. */
  sandboxId: string;
  /** Names as Kubernetes knows them; absent when not said. */
  podName?: string;
  podNamespace?: string;
  containerName?: string;
  /** Reference of the image. */
  image?: string;
}

interface Dialect {
  type: string;
  sandbox: string;
  container: string;
  sandboxId: string;
  podName?: string;
  podNamespace?: string;
  containerName?: string;
  image?: string;
}

/** Who writes which annotation: containerd's CRI, CRI-O, dockershim. */
const DIALECTS: readonly Dialect[] = [
  {
    type: 'io.kubernetes.cri.container-type',
    sandbox: 'sandbox',
    container: 'container',
    sandboxId: 'io.kubernetes.cri.sandbox-id',
    podName: 'io.kubernetes.cri.sandbox-name',
    podNamespace: 'io.kubernetes.cri.sandbox-namespace',
    containerName: 'io.kubernetes.cri.container-name',
    image: 'io.kubernetes.cri.image-name',
  },
  {
    type: 'io.kubernetes.cri-o.ContainerType',
    sandbox: 'sandbox',
    container: 'container',
    sandboxId: 'io.kubernetes.cri-o.SandboxID',
    podName: 'io.kubernetes.cri-o.KubeName',
    podNamespace: 'io.kubernetes.cri-o.Namespace',
    containerName: 'io.kubernetes.cri-o.ContainerName',
    image: 'io.kubernetes.cri-o.ImageName',
  },
  {
    type: 'io.kubernetes.docker.type',
    sandbox: 'podsandbox',
    container: 'container',
    sandboxId: 'io.kubernetes.sandbox.id',
  },
];

/** Annotations that the runtime adds to the spec it sends to the guest. */
export const GUEST_ANNOTATIONS = {
  containerType: 'io.katacontainers.pkg.oci.container_type',
  bundlePath: 'io.katacontainers.pkg.oci.bundle_path',
} as const;

/**
 * Tells a pod's sandbox from its containers and from a container that stands alone.
 * Throws `invalid-argument` when the type is none that is known, or when a pod's container names no sandbox.
 */
export function identifyContainer(
  containerId: string,
  annotations: Readonly<Record<string, string>> | undefined,
): ContainerIdentity {
  const found = annotations ?? {};
  const dialect = DIALECTS.find((each) => Object.hasOwn(found, each.type));
  if (dialect === undefined) return { kind: 'single', sandboxId: containerId };
  const type = found[dialect.type];
  if (type !== dialect.sandbox && type !== dialect.container)
    throw new KataError(
      'invalid-argument',
      `annotations['${dialect.type}']: expected '${dialect.sandbox}' or '${dialect.container}', found '${type}'`,
      { hint: 'the container manager writes this annotation; check its version' },
    );
  const kind: ContainerKind = type === dialect.sandbox ? 'pod-sandbox' : 'pod-container';
  const sandboxId = kind === 'pod-sandbox' ? containerId : found[dialect.sandboxId];
  if (sandboxId === undefined || sandboxId === '')
    throw new KataError(
      'invalid-argument',
      `annotations['${dialect.sandboxId}']: expected the id of the container's pod sandbox, found none`,
      { hint: 'the container manager writes this annotation; check its version' },
    );
  const identity: ContainerIdentity = { kind, sandboxId };
  for (const name of ['podName', 'podNamespace', 'containerName', 'image'] as const) {
    const key = dialect[name];
    const value = key === undefined ? undefined : found[key];
    if (value !== undefined && value !== '') identity[name] = value;
  }
  return identity;
}

/** The value of `io.katacontainers.pkg.oci.container_type` in the guest's spec. A single container is its own pod. */
export function guestContainerType(kind: ContainerKind): 'pod_sandbox' | 'pod_container' {
  return kind === 'pod-container' ? 'pod_container' : 'pod_sandbox';
}

/** What a pod may use in all, as containerd (1.6 and newer) says it at the sandbox's creation. */
export interface SandboxSize {
  /** Microseconds of processor time per period; absent when unlimited. */
  cpuQuotaUs?: number;
  cpuPeriodUs?: number;
  cpuShares?: number;
  /** Bytes; absent when unlimited. */
  memoryBytes?: number;
}

const SIZE_KEYS: Readonly<Record<keyof SandboxSize, string>> = {
  cpuQuotaUs: 'io.kubernetes.cri.sandbox-cpu-quota',
  cpuPeriodUs: 'io.kubernetes.cri.sandbox-cpu-period',
  cpuShares: 'io.kubernetes.cri.sandbox-cpu-shares',
  memoryBytes: 'io.kubernetes.cri.sandbox-memory',
};

/**
 * The pod's size from its sandbox's annotations. Zero and negative mean unlimited and are left out, as is a value that
 * isn't a whole number: sizing is a wish, the limits themselves are in each container's spec.
 */
export function sandboxSize(annotations: Readonly<Record<string, string>> | undefined): SandboxSize {
  const size: SandboxSize = {};
  for (const [name, key] of Object.entries(SIZE_KEYS) as [keyof SandboxSize, string][]) {
    const text = annotations?.[key];
    const value = text !== undefined && /^\d+$/.test(text) ? Number(text) : 0;
    if (value > 0 && Number.isSafeInteger(value)) size[name] = value;
  }
  return size;
}
