import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { LinuxDevice } from '../../protocols/gen/oci.ts';
import { deviceProgram, deviceRules } from './device-program.ts';

/** Runs a program as the kernel would. */
function allows(program: Uint8Array, type: 'b' | 'c', major: number, minor: number, access: string): boolean {
  const fields = new DataView(program.buffer);
  const bits = [...access].reduce((sum, letter) => sum | { m: 1, r: 2, w: 4 }[letter]!, 0);
  const context = [(bits << 16) | { b: 1, c: 2 }[type], major, minor];
  const registers = new Array<number>(11).fill(0);
  for (let at = 0; ; at += 8) {
    assert.ok(at < program.length, 'runs off its end');
    const [target, source] = [fields.getUint8(at + 1) & 15, fields.getUint8(at + 1) >> 4];
    const [offset, constant] = [fields.getInt16(at + 2, true), fields.getInt32(at + 4, true)];
    switch (fields.getUint8(at)) {
      case 0x61:
        registers[target] = context[offset / 4]!;
        break;
      case 0xb7:
        registers[target] = constant;
        break;
      case 0xbf:
        registers[target] = registers[source]!;
        break;
      case 0x57:
        registers[target]! &= constant;
        break;
      case 0x77:
        registers[target]! >>>= constant;
        break;
      case 0x55:
        if (registers[target] !== constant) at += offset * 8;
        break;
      case 0x95:
        return registers[0] === 1;
      default:
        assert.fail(`instruction ${fields.getUint8(at)}`);
    }
  }
}

const device = (type: string, major: number, minor: number): LinuxDevice => ({
  path: '/dev/x',
  type,
  major: BigInt(major),
  minor: BigInt(minor),
  fileMode: 0,
  uid: 0,
  gid: 0,
});

it('opens to a container what every container has, and its terminals', () => {
  const program = deviceProgram(deviceRules([]));
  for (const minor of [3, 5, 7, 8, 9]) assert.ok(allows(program, 'c', 1, minor, 'rw'));
  for (const minor of [0, 1, 2]) assert.ok(allows(program, 'c', 5, minor, 'rw'));
  assert.ok(allows(program, 'c', 136, 77, 'rw'));
});

it('opens no disk, no memory, no port of the agent, whatever node an image brings or a container makes', () => {
  const program = deviceProgram(deviceRules([]));
  for (const [type, major, minor] of [
    ['b', 8, 0],
    ['b', 1, 3],
    ['c', 1, 1],
    ['c', 1, 11],
    ['c', 10, 200],
    ['c', 250, 1],
  ] as const) {
    assert.ok(allows(program, type, major, minor, 'm'), 'a node may be made');
    for (const access of ['r', 'w', 'rw', 'rwm']) assert.ok(!allows(program, type, major, minor, access));
  }
});

it('opens the devices of the spec, and no others', () => {
  const program = deviceProgram(deviceRules([device('c', 10, 229), device('b', 8, 16), device('p', 0, 0)]));
  assert.ok(allows(program, 'c', 10, 229, 'rwm'));
  assert.ok(allows(program, 'b', 8, 16, 'rw'));
  assert.ok(!allows(program, 'b', 8, 17, 'r'));
  assert.ok(!allows(program, 'c', 8, 16, 'r'));
  assert.ok(!allows(program, 'c', 10, 228, 'r'));
});
