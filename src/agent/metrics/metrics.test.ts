import assert from 'node:assert/strict';
import test from 'node:test';
import * as proc from './parse-proc.ts';
import { formatMetrics, items, single } from './prometheus.ts';

test('metrics are written as Prometheus reads them', () => {
  const text = formatMetrics([
    { name: 'kata_agent_threads', help: 'Threads', type: 'gauge', samples: single(1) },
    { name: 'kata_guest_load', help: 'Load', type: 'gauge', samples: items({ load1: 0.25, load5: 0 }) },
    { name: 'kata_guest_none', help: 'None', type: 'gauge', samples: [] },
  ]);
  assert.equal(
    text,
    '# HELP kata_agent_threads Threads\n# TYPE kata_agent_threads gauge\nkata_agent_threads 1\n' +
      '# HELP kata_guest_load Load\n# TYPE kata_guest_load gauge\n' +
      'kata_guest_load{item="load1"} 0.25\nkata_guest_load{item="load5"} 0\n',
  );
});

test('a mount point with quotes and line breaks stays inside its label', () => {
  const samples = items({ total: 1 }, { mount: '/a"b\\c\nd' });
  assert.match(
    formatMetrics([{ name: 'x', help: 'y', type: 'gauge', samples }]),
    /x\{mount="\/a\\"b\\\\c\\nd",item="total"\} 1\n$/,
  );
});

test('memory is told in bytes, by the names that dashboards of upstream ask for', () => {
  const text = [
    'MemTotal:        2048 kB\nActive(anon):       1 kB\nSReclaimable:  2 kB\nSUnreclaim: 3 kB\nKReclaimable: 4 kB',
    'NFS_Unstable: 5 kB\nCommitted_AS: 6 kB\nAnonHugePages: 7 kB\nHugePages_Total: 8\nHugepagesize: 9 kB',
    'DirectMap4k: 10 kB\nPercpu: 11 kB\nShmemPmdMapped: 12 kB\nVmallocTotal: 13 kB\nWritebackTmp: 14 kB\n',
  ].join('\n');
  assert.deepEqual(proc.parseMeminfo(text), {
    mem_total: 2097152,
    active_anon: 1024,
    s_reclaimable: 2048,
    s_unreclaim: 3072,
    k_reclaimable: 4096,
    nfs_unstable: 5120,
    committed_as: 6144,
    anon_hugepages: 7168,
    hugepages_total: 8,
    hugepagesize: 9216,
    direct_map_4k: 10240,
    per_cpu: 11264,
    shmem_pmd_mapped: 12288,
    vmalloc_total: 13312,
    writeback_tmp: 14336,
  });
});

test('the times of CPUs are told for each and for all', () => {
  const times = proc.parseCpuTimes('cpu  10 0 5 100 1 0 0 0 0 0\ncpu0 10 0 5 100 1 0 0 0 0 0\nintr 5 1\n');
  assert.deepEqual([...times.keys()], ['total', '0']);
  assert.equal(times.get('0')?.idle, 100);
});

test('disks and interfaces are told by name', () => {
  const disks = proc.parseDiskstats('   8       0 sda 12 3 456 7 0 0 0 0 0 5 7 0 0 0 0 1 2\n');
  assert.equal(disks.get('sda')?.sectors_read, 456);
  assert.equal(disks.get('sda')?.time_flushing, 2);
  const net = proc.parseNetdev('Inter-|x\n face |y\n  eth0: 100 2 0 0 0 0 0 0 50 1 0 0 0 0 0 9\n');
  assert.deepEqual([...net.keys()], ['eth0']);
  assert.equal(net.get('eth0')?.sent_compressed, 9);
});

test('a process with a bracket in its name is read', () => {
  const rest = Array.from({ length: 50 }, (_, i) => i + 4).join(' ');
  assert.deepEqual(proc.parseProcessStat(`1 (a) b) S ${rest}`), {
    threads: 20,
    times: { utime: 14, stime: 15, cutime: 16, cstime: 17 },
    virtualBytes: 23,
    residentPages: 24,
  });
});

test('load and tasks are told apart', () => {
  assert.deepEqual(proc.parseLoadavg('0.10 0.20 0.30 1/90 1234\n'), {
    load: { load1: 0.1, load5: 0.2, load15: 0.3 },
    tasks: { cur: 1, max: 90 },
  });
});
