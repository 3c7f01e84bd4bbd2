import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KataError } from '../errors/kata-error.ts';
import type { LinuxCapabilities } from '../protocols/gen/oci.ts';
import { CAPABILITY_NAMES, capabilityMasks } from './capabilities.ts';

const NONE: LinuxCapabilities = { bounding: [], effective: [], inheritable: [], permitted: [], ambient: [] };

test('each name is its bit, from CHOWN at 0 to CHECKPOINT_RESTORE at 40', () => {
  assert.equal(CAPABILITY_NAMES.length, 41);
  for (const [name, bit] of [
    ['CAP_CHOWN', 0],
    ['CAP_SETPCAP', 8],
    ['CAP_NET_RAW', 13],
    ['CAP_SYS_ADMIN', 21],
    ['CAP_MKNOD', 27],
    ['CAP_SETFCAP', 31],
    ['CAP_SYSLOG', 34],
    ['CAP_BPF', 39],
    ['CAP_CHECKPOINT_RESTORE', 40],
  ] as const)
    assert.equal(capabilityMasks({ ...NONE, bounding: [name] }).bounding, 1n << BigInt(bit), name);
});

test('the five sets stay apart', () => {
  const both = ['CAP_KILL', 'CAP_CHECKPOINT_RESTORE'];
  assert.deepEqual(
    capabilityMasks({ bounding: both, permitted: both, effective: ['CAP_KILL'], inheritable: [], ambient: [] }),
    { bounding: 0x10000000020n, permitted: 0x10000000020n, effective: 0x20n, inheritable: 0n, ambient: 0n },
  );
});

test('a process without capabilities has none', () => {
  assert.deepEqual(capabilityMasks(undefined), capabilityMasks(NONE));
  assert.equal(capabilityMasks(undefined).permitted, 0n);
});

test('an ambient capability needs to be permitted and inheritable', () => {
  const kill = ['CAP_KILL'];
  assert.equal(capabilityMasks({ ...NONE, permitted: kill, inheritable: kill, ambient: kill }).ambient, 0x20n);
  assert.equal(capabilityMasks({ ...NONE, permitted: kill, ambient: kill }).ambient, 0n);
});

test('a name that Linux does not know, or an effective one that is not permitted, is named', () => {
  const cases: [Partial<LinuxCapabilities>, string][] = [
    [{ bounding: ['CAP_FLY'] }, "bounding: expected names like CAP_KILL, found 'CAP_FLY'"],
    [{ bounding: ['constructor'] }, 'constructor'],
    [{ effective: ['CAP_KILL'] }, 'CAP_KILL'],
  ];
  for (const [sets, word] of cases)
    assert.throws(
      () => capabilityMasks({ ...NONE, ...sets }),
      (error) => error instanceof KataError && error.code === 'invalid-argument' && error.message.includes(word),
    );
});
