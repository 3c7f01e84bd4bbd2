// Initial sequence numbers of TCP: a kernel adds a clock to a hash of the connection's addresses and a secret of its own.
// Clones of one template must not have the secret in common, or one of them could forge connections of another.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, it } from 'node:test';
import type { FirstSyn } from '../guest/first-syn.ts';
import { compileGuestProgram } from '../harness/guest-program.ts';
import { coverState, kata, traces } from '../harness/kata-runtime.ts';
import { testConfig } from '../harness/test-config.ts';

const LIMIT = { timeout: 120_000 };
const CLONES = 8;
const ROUNDS = 3;
const PORTS = 4;
/** The clock in a sequence number counts periods of 64 ns (Linux, net/core/secure_seq.c: `seq_scale`). */
const PERIOD_NS = 64n;

let uncover: () => void;
let folder: string;
before(() => {
  uncover = coverState();
  folder = fs.mkdtempSync(path.join(tmpdir(), 'kata-ts-tcp-secrets-'));
});
after(() => {
  uncover();
  fs.rmSync(folder, { recursive: true, force: true });
});
afterEach(() => assert.deepEqual(traces(), [], 'something was left behind'));

/** Of one guest: rounds of connections, each round with the same 4-tuples in the same order. */
type Guest = FirstSyn[][];

/** What remains of a sequence number without the clock, as it was just before: the hash, and at most `slack` more. */
function hashOf({ sequence, beforeNs, afterNs }: FirstSyn): { hash: bigint; slack: bigint } {
  const [first, last] = [BigInt(beforeNs) / PERIOD_NS, BigInt(afterNs) / PERIOD_NS];
  return { hash: BigInt.asUintN(32, BigInt(sequence) - first), slack: last - first };
}

/** Whether one secret can have made both numbers of a 4-tuple: apart from the clock they are equal. */
function mayShareHash(one: FirstSyn, other: FirstSyn): boolean {
  const [a, b] = [hashOf(one), hashOf(other)];
  const difference = BigInt.asIntN(32, a.hash - b.hash);
  return difference <= a.slack && -difference <= b.slack;
}

/** Whether one secret can have made all numbers of both rounds. */
const mayShareSecret = (one: FirstSyn[], other: FirstSyn[]): boolean =>
  one.every((syn, port) => mayShareHash(syn, other[port]!));

it(
  `${CLONES} clones of one template give the same connection sequence numbers from secrets of their own`,
  LIMIT,
  async (t) => {
    const program = path.join(folder, 'first-syn');
    await compileGuestProgram('first-syn', program);
    const templates = fs.mkdtempSync('/run/templates-');
    const config = testConfig(folder, { template_path: JSON.stringify(templates), default_memory: '256' });
    const env = { KATA_CONF_FILE: config };
    await kata(['factory', 'init'], { env });
    const guests: Guest[] = [];
    for (let clone = 0; clone < CLONES; clone++) {
      const command = ['run', '--rm', '--volume', `${program}:/first-syn:ro`, 'busybox', '/first-syn'];
      const { status, stdout, stderr } = await kata(command, { env });
      assert.equal(status, 0, stderr);
      const rounds: Guest = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      assert.deepEqual([rounds.length, ...rounds.map((round) => round.length)], [ROUNDS, ...Array(ROUNDS).fill(PORTS)]);
      guests.push(rounds);
    }
    const { templates: made } = JSON.parse((await kata(['factory', 'status', '--format', 'json'], { env })).stdout);
    assert.equal(made.length, 1, 'all are clones of one template');
    const pairs = guests.flatMap((one, index) => guests.slice(index + 1).map((other) => [one, other] as const));

    // What would be found with a shared secret: one kernel's rounds, which do have one, are told to have.
    for (const [first, ...later] of guests)
      for (const round of later) assert.ok(mayShareSecret(first!, round), JSON.stringify([first, round]));
    for (const [one, other] of pairs)
      for (const [a, b] of one.flatMap((round) => other.map((another) => [round, another] as const)))
        assert.ok(!mayShareSecret(a, b), `two clones draw from one secret: ${JSON.stringify([a, b])}`);

    const apart = (a: FirstSyn, b: FirstSyn) => Math.abs(Number(BigInt.asIntN(32, hashOf(a).hash - hashOf(b).hash)));
    const within = guests.flatMap(([first, ...later]) =>
      later.flatMap((r) => r.map((syn, i) => apart(syn, first![i]!))),
    );
    const between = pairs.map(([one, other]) => Math.max(...one[0]!.map((syn, port) => apart(syn, other[0]![port]!))));
    t.diagnostic(
      `hashes of one guest are at most ${Math.max(...within)} apart, of two at least ${Math.min(...between)}`,
    );
  },
);
