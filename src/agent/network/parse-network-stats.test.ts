import assert from 'node:assert/strict';
import test from 'node:test';
import { parseNetworkStats } from './parse-network-stats.ts';

test('the traffic of an interface is read from the columns that the kernel prints', () => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0
  eth0:18446744073709551615 20 3 4 0 0 0 0 500 60 7 8 0 0 0 0
`;
  const [lo, eth0] = parseNetworkStats(text);
  assert.equal(lo?.name, 'lo');
  assert.deepEqual(eth0, {
    name: 'eth0',
    rxBytes: 18446744073709551615n,
    rxPackets: 20n,
    rxErrors: 3n,
    rxDropped: 4n,
    txBytes: 500n,
    txPackets: 60n,
    txErrors: 7n,
    txDropped: 8n,
  });
});
