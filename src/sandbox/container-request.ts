import { GUEST_ANNOTATIONS, guestContainerType, identifyContainer } from '../oci/annotations.ts';
import type { OciSpec } from '../oci/spec.ts';
import { sharesPodPids, specToAgent } from '../oci/to-agent.ts';
import type { CreateContainerRequest, Storage } from '../protocols/gen/agent.ts';
import type { ContainerVolumes } from './block-volumes.ts';
import { guestRoot } from './guest-paths.ts';

/** What is to be made, and all that has been got ready for it. */
export interface WantedContainer {
  id: string;
  bundle: string;
  spec: OciSpec;
  /** The spec of its pod: of the sandbox's first container. */
  podSpec: OciSpec;
  /** Its root's, and those of its volumes that are no disks. */
  storages: Storage[];
  /** Its volumes that are disks. */
  disks: ContainerVolumes;
  /** By the mount's place in the spec: where the agent finds what the host would mount there. */
  sources: ReadonlyMap<number, string>;
  /** Added to the annotations that the guest sees. */
  annotations: Readonly<Record<string, string>>;
  disableGuestSeccomp: boolean;
}

/** What the agent is asked for. */
export function containerRequest(wanted: WantedContainer): CreateContainerRequest {
  const { id, bundle, spec, podSpec, storages, disks, sources, disableGuestSeccomp } = wanted;
  const { kind } = identifyContainer(id, spec.annotations);
  const message = specToAgent(spec, {
    rootPath: guestRoot(id).rootfs,
    disableGuestSeccomp,
    annotations: {
      ...wanted.annotations,
      [GUEST_ANNOTATIONS.containerType]: guestContainerType(kind),
      [GUEST_ANNOTATIONS.bundlePath]: bundle,
    },
  });
  for (const [index, source] of sources) message.mounts[index]!.source = source;
  disks.addTo(message);
  // The namespaces are the pod's, but its own container is never made in the guest: each member sets its sysctls.
  if (kind === 'pod-container') message.linux!.sysctl = { ...podSpec.linux?.sysctl, ...message.linux!.sysctl };
  return {
    containerId: id,
    execId: id,
    // A user's name goes with the spec, as `process.user.username`.
    stringUser: undefined,
    devices: disks.devices,
    storages: [...storages, ...disks.storages],
    OCI: message,
    sandboxPidns: sharesPodPids(spec),
    sharedMounts: [],
    stdinPort: 0,
    stdoutPort: 0,
    stderrPort: 0,
  };
}
