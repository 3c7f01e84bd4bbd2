import { readText } from '../../os/file.ts';
import type { NetworkStats } from '../../protocols/gen/agent.ts';
import { parseNetworkStats } from './parse-network-stats.ts';

/** The traffic of the guest's interfaces, the loopback one left out: it is nobody's bill. */
export function networkStats(): NetworkStats[] {
  return parseNetworkStats(readText('/proc/self/net/dev')).filter(({ name }) => name !== 'lo');
}
