import { randomBytes } from '../os/random.ts';
import { wallClockNs } from '../os/timer.ts';
import type { AgentClient } from './agent-client.ts';

const ENTROPY_BYTES = 64;

/** Makes a clone a machine of its own, before anything runs in it: its random numbers and its clock. */
export async function becomeOneself({ agent }: AgentClient, timeoutMs: number): Promise<void> {
  const ns = wallClockNs();
  await Promise.all([
    agent.reseedRandomDev({ data: randomBytes(ENTROPY_BYTES) }, { timeoutMs }),
    agent.setGuestDateTime({ Sec: ns / 1_000_000_000n, Usec: (ns % 1_000_000_000n) / 1000n }, { timeoutMs }),
  ]);
}
