import type { NetworkStats } from '../../protocols/gen/agent.ts';

/** The counters of `/proc/net/dev` (proc_pid_net(5)), in the order of its columns. */
export function parseNetworkStats(text: string): NetworkStats[] {
  return text
    .split('\n')
    .filter((line) => line.includes(':'))
    .map((line) => {
      const colon = line.indexOf(':');
      const numbers = line
        .slice(colon + 1)
        .trim()
        .split(/\s+/)
        .map(BigInt);
      const [rxBytes = 0n, rxPackets = 0n, rxErrors = 0n, rxDropped = 0n] = numbers;
      const [txBytes = 0n, txPackets = 0n, txErrors = 0n, txDropped = 0n] = numbers.slice(8);
      const name = line.slice(0, colon).trim();
      return { name, rxBytes, rxPackets, rxErrors, rxDropped, txBytes, txPackets, txErrors, txDropped };
    });
}
