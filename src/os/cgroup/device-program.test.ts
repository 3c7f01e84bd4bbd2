import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DeviceRequest, evaluate, interpret } from './device-interpreter.test-helper.ts';
import { deviceProgram } from './device-program.ts';
import type { DeviceRule } from './device-rule.ts';

/** The same numbers each time (xorshift). */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const NUMBERS = [0, 1, 3, 8, 4095, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

test('the program says what the rules say, for any rules and any request', () => {
  const random = seeded(20261121);
  const pick = <T>(values: readonly T[]): T => values[random(values.length)]!;
  const rule = (): DeviceRule => ({
    allow: random(2) === 1,
    type: pick([1, 2, null]),
    major: pick([null, ...NUMBERS]),
    minor: pick([null, ...NUMBERS]),
    access: random(8),
  });
  let allowed = 0;
  for (let round = 0; round < 500; round++) {
    const rules = { allowByDefault: random(2) === 1, rules: Array.from({ length: random(12) }, rule) };
    const program = deviceProgram(rules);
    for (let tries = 0; tries < 40; tries++) {
      // Numbers of the rules, so that they are for something.
      const like = rules.rules.length === 0 ? rule() : pick(rules.rules);
      const request: DeviceRequest = {
        type: pick([1, 2]),
        major: random(4) === 0 ? pick(NUMBERS) : (like.major ?? pick(NUMBERS)),
        minor: random(4) === 0 ? pick(NUMBERS) : (like.minor ?? pick(NUMBERS)),
        access: 1 + random(7),
      };
      const expected = evaluate(rules, request);
      assert.equal(interpret(program, request).allows, expected, JSON.stringify({ rules, request }));
      if (expected) allowed++;
    }
  }
  assert.ok(allowed > 5000 && allowed < 15_000, `${allowed} of 20000 were allowed`);
});
