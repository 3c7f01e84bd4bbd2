import { utf8Encode } from '../../os/utf8.ts';
import type { CapabilityMasks } from '../capabilities.ts';
import type { SeccompFilter } from '../seccomp/filter.ts';
import type { ContainerPlan } from './plan-container.ts';

/** A plan without what is the agent's: its namespaces are descriptors. */
export interface ChildPlan extends Omit<ContainerPlan, 'namespaces'> {
  /** It goes on in another network namespace than it has waited in: by the first descriptor that it is handed. */
  entersNetwork?: boolean;
}

/**
 * A plan as bytes, for a child that was forked before there was one. The filter of the child's own plan is not sent along
 * when it is `known`.
 */
export function encodePlan(plan: ContainerPlan, known: SeccompFilter | undefined, entersNetwork = false): Uint8Array {
  const { process, devices, namespaces: _, ...rest } = plan;
  const { capabilities, rlimits, oomScoreAdj, seccomp, ...others } = process;
  return utf8Encode(
    JSON.stringify({
      ...rest,
      ...(entersNetwork ? { entersNetwork } : {}),
      devices: devices.map((device) => ({ ...device, major: `${device.major}`, minor: `${device.minor}` })),
      process: {
        ...others,
        capabilities: Object.entries(capabilities).map(([name, mask]) => [name, `${mask}`]),
        rlimits: rlimits.map((limit) => ({ ...limit, soft: `${limit.soft}`, hard: `${limit.hard}` })),
        oomScoreAdj: oomScoreAdj === undefined ? null : `${oomScoreAdj}`,
        seccomp:
          seccomp === undefined || seccomp === known ? null : { ...seccomp, instructions: [...seccomp.instructions] },
        isKnownFilter: seccomp !== undefined && seccomp === known,
      },
    }),
  );
}

/** The plan that `encodePlan` made, in the child that has the `known` filter. */
export function decodePlan(text: string, known: SeccompFilter | undefined): ChildPlan {
  const { devices, process, ...rest } = JSON.parse(text);
  const { capabilities, rlimits, oomScoreAdj, seccomp, isKnownFilter, ...others } = process;
  const sent = seccomp === null ? undefined : { ...seccomp, instructions: Uint8Array.from(seccomp.instructions) };
  return {
    ...rest,
    devices: devices.map(numbered),
    process: {
      ...others,
      capabilities: Object.fromEntries(
        capabilities.map(([name, mask]: [string, string]) => [name, BigInt(mask)]),
      ) as unknown as CapabilityMasks,
      rlimits: rlimits.map(limited),
      oomScoreAdj: oomScoreAdj === null ? undefined : BigInt(oomScoreAdj),
      seccomp: isKnownFilter ? known : sent,
    },
  };
}

const numbered = <T extends { major: string; minor: string }>(device: T) => ({
  ...device,
  major: BigInt(device.major),
  minor: BigInt(device.minor),
});

const limited = <T extends { soft: string; hard: string }>(limit: T) => ({
  ...limit,
  soft: BigInt(limit.soft),
  hard: BigInt(limit.hard),
});
