import { bootTimeNs } from '../../os/timer.ts';

/** Marks of the guest's start, in nanoseconds since it booted. */
export interface BootTimes {
  initStartedNs: bigint;
  agentReadyNs: bigint;
}

const times: BootTimes = { initStartedNs: bootTimeNs(), agentReadyNs: 0n };

/** To be called once the agent serves. */
export function markReady(): void {
  times.agentReadyNs = bootTimeNs();
}

export function bootTimes(): Readonly<BootTimes> {
  return times;
}
