// Our tables against an independent implementation: @bufbuild/protobuf reads the .proto files themselves.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import {
  createFileRegistry,
  type DescField,
  type DescMessage,
  fromBinary,
  type Message,
  ScalarType,
  toBinary,
} from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { seededRandom } from '../ttrpc/seeded-random.ts';
import type { MessageType } from './codec.ts';
import * as agent from './gen/agent.ts';
import * as agentExtension from './gen/agent-extension.ts';
import * as cgroupsV1 from './gen/cgroups-v1.ts';
import * as cgroupsV2 from './gen/cgroups-v2.ts';
import * as containerdTask from './gen/containerd-task-types.ts';
import * as containerdTypes from './gen/containerd-types.ts';
import * as eventForward from './gen/event-forward.ts';
import * as events from './gen/events.ts';
import * as any from './gen/google/protobuf/any.ts';
import * as empty from './gen/google/protobuf/empty.ts';
import * as timestamp from './gen/google/protobuf/timestamp.ts';
import * as health from './gen/health.ts';
import * as hypervisor from './gen/hypervisor.ts';
import * as oci from './gen/oci.ts';
import * as runcOptions from './gen/runc-options.ts';
import * as runtimeOptions from './gen/runtime-options.ts';
import * as task from './gen/task.ts';
import * as ttrpc from './gen/ttrpc.ts';
import * as types from './gen/types.ts';

const generated: Record<string, Record<string, unknown>> = {
  ...{ agent, 'agent-extension': agentExtension, 'cgroups-v1': cgroupsV1, 'cgroups-v2': cgroupsV2, health, hypervisor },
  ...{ 'containerd-task-types': containerdTask, 'containerd-types': containerdTypes, 'event-forward': eventForward },
  ...{ events, oci, 'runc-options': runcOptions, 'runtime-options': runtimeOptions, task, ttrpc, types },
  ...{ 'google/protobuf/any': any, 'google/protobuf/empty': empty, 'google/protobuf/timestamp': timestamp },
};

const buf = path.resolve(`node_modules/@bufbuild/buf-${process.platform}-${process.arch}/bin/buf`);
const image = execFileSync(buf, ['build', '--as-file-descriptor-set', '--output', '-#format=binpb']);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, new Uint8Array(image)));
const descriptions = [...registry.files].flatMap((file) => file.messages);

function typeOf(desc: DescMessage): MessageType<unknown> {
  const type = generated[desc.file.name]?.[desc.name];
  assert.ok(type, `${desc.file.name}.ts has no ${desc.name}`);
  return type as MessageType<unknown>;
}

const INTEGERS = [0, 1, 127, 128, 65535, 2 ** 31 - 1];
const WIDE = [0n, 1n, 127n, 128n, 2n ** 53n + 1n, 2n ** 63n - 1n];
const TEXTS = ['', 'a', 'naïve → 🦊', 'x'.repeat(200), '__proto__'];

function scalar(kind: ScalarType, random: (below: number) => number): unknown {
  const pick = <T>(values: readonly T[]): T => values[random(values.length)]!;
  switch (kind) {
    case ScalarType.STRING:
      return pick(TEXTS);
    case ScalarType.BYTES:
      return new Uint8Array(pick([0, 1, 200, 5000])).fill(random(256));
    case ScalarType.BOOL:
      return random(2) === 1;
    case ScalarType.DOUBLE:
      return pick([0, 0.5, -1e300, 12.34]);
    case ScalarType.INT32:
      return pick([...INTEGERS, -1, -(2 ** 31)]);
    case ScalarType.UINT32:
      return pick([...INTEGERS, 2 ** 32 - 1]);
    case ScalarType.INT64:
      return pick([...WIDE, -1n, -(2n ** 63n)]);
    case ScalarType.UINT64:
      return pick([...WIDE, 2n ** 64n - 1n]);
    default:
      throw new Error(`no values for scalar ${ScalarType[kind]}`);
  }
}

/** A message with about half of its fields set, at every depth. */
function randomMessage(desc: DescMessage, random: (below: number) => number): Message {
  const message = reflect(desc);
  const one = (field: DescField): unknown => {
    if (field.message !== undefined) return reflect(field.message, randomMessage(field.message, random));
    if (field.enum !== undefined) return field.enum.values[random(field.enum.values.length)]!.number;
    return scalar((field as { scalar: ScalarType }).scalar, random);
  };
  for (const field of desc.fields) {
    if (random(2) === 0) continue;
    if (field.fieldKind === 'list') {
      for (let count = random(4); count > 0; count--) message.get(field).add(one(field));
    } else if (field.fieldKind === 'map') {
      for (let count = random(4); count > 0; count--) message.get(field).set(pickKey(random), one(field));
    } else {
      message.set(field, one(field) as never);
    }
  }
  return message.message;
}

const pickKey = (random: (below: number) => number): string => TEXTS[random(TEXTS.length - 1)]!;

test('the .proto files and the generated code have the same messages', () => {
  assert.ok(descriptions.length > 200, `${descriptions.length} messages`);
  for (const desc of descriptions) typeOf(desc);
});

test('every message of ours reads and writes what protobuf-es writes, byte for byte', () => {
  for (const desc of descriptions) {
    const type = typeOf(desc);
    for (let seed = 1; seed <= 20; seed++) {
      const bytes = toBinary(desc, randomMessage(desc, seededRandom(seed * 2654435761)));
      const message = type.decode(bytes);
      const name = `${desc.typeName}, seed ${seed}`;
      assert.equal(
        Buffer.from(type.encode(message as never).finish()).toString('hex'),
        Buffer.from(bytes).toString('hex'),
        name,
      );
      assert.deepEqual(type.create(message as never), message, name);
      const chunks = type.encodeChunks(message as never);
      assert.equal(Buffer.compare(Buffer.concat(chunks), bytes), 0, name);
    }
  }
});

test('a field of a message that a newer peer added is skipped', () => {
  const writer = new BinaryWriter();
  writer.tag(100, WireType.LengthDelimited).string('new');
  writer.tag(101, WireType.Varint).uint32(7).tag(102, WireType.Bit64).double(1).tag(103, WireType.Bit32).fixed32(1);
  writer.tag(1, WireType.LengthDelimited).string('c1');
  // The right number with another wire type is not that field.
  writer.tag(2, WireType.LengthDelimited).string('not a number');
  assert.deepEqual(agent.RemoveContainerRequest.decode(writer.finish()), { containerId: 'c1', timeout: 0 });
});

test('a list of numbers is read packed and one by one', () => {
  const packed = agent.AddSwapRequest.encode({ PCIPath: [1, 300] }).finish();
  const single = new BinaryWriter().tag(1, WireType.Varint).uint32(1).tag(1, WireType.Varint).uint32(300).finish();
  assert.deepEqual(agent.AddSwapRequest.decode(packed), { PCIPath: [1, 300] });
  assert.deepEqual(agent.AddSwapRequest.decode(single), { PCIPath: [1, 300] });
});

test('an optional field tells absent from zero', () => {
  const zero = agent.MemAgentMemcgConfig.encode({ disabled: false, periodSecs: 0n }).finish();
  const read = agent.MemAgentMemcgConfig.decode(zero);
  assert.equal(read.disabled, false);
  assert.equal(read.periodSecs, 0n);
  assert.equal(read.swap, undefined);
});

test('what is left out has its default, at every depth', () => {
  const request = agent.CreateContainerRequest.create({ containerId: 'c', OCI: { process: { args: ['sh'] } } });
  assert.deepEqual(request.OCI?.process?.args, ['sh']);
  assert.deepEqual(request.OCI?.process?.env, []);
  assert.equal(request.OCI?.linux, undefined);
  const bytes = agent.CreateContainerRequest.encode({ containerId: 'c', OCI: { process: { args: ['sh'] } } }).finish();
  assert.deepEqual(agent.CreateContainerRequest.decode(bytes), request);
});

test('large bytes are sent as they are, small ones within their message', () => {
  const data = new Uint8Array(100_000);
  assert.ok(agent.ReadStreamResponse.encodeChunks({ data }).includes(data));
  assert.equal(agent.ReadStreamResponse.encodeChunks({ data: data.subarray(0, 100) }).length, 1);
});

test('a map key named __proto__ is a key, and changes no object', () => {
  const bytes = hypervisor.CreateVMRequest.encode({ annotations: JSON.parse('{"__proto__":"x"}') }).finish();
  const { annotations } = hypervisor.CreateVMRequest.decode(bytes);
  assert.deepEqual(Object.keys(annotations), ['__proto__']);
  assert.equal(Object.getPrototypeOf(annotations), Object.prototype);
});

test('a number that does not fit its field throws and is not cut', () => {
  assert.throws(() => agent.SignalProcessRequest.encode({ signal: 2 ** 32 }), /invalid uint32/);
  assert.throws(() => agent.SignalProcessRequest.encode({ signal: -1 }), /invalid uint32/);
  assert.throws(() => oci.POSIXRlimit.encode({ hard: 2n ** 64n }), /uint64/);
  assert.throws(() => oci.LinuxPids.encode({ limit: 2n ** 63n }), /int64/);
});

test('bytes cut anywhere, or garbage, are refused or read as something, and never hang or crash', () => {
  const desc = descriptions.find(({ typeName }) => typeName === 'grpc.CreateContainerRequest')!;
  const bytes = toBinary(desc, randomMessage(desc, seededRandom(7)));
  let refused = 0;
  for (let cut = 0; cut < bytes.length; cut++) {
    try {
      agent.CreateContainerRequest.decode(bytes.subarray(0, cut));
    } catch (error) {
      assert.ok(error instanceof Error);
      refused++;
    }
  }
  assert.ok(refused > bytes.length / 2, `${refused} of ${bytes.length}`);
  for (let seed = 1; seed <= 2000; seed++) {
    const random = seededRandom(seed * 7919);
    const garbage = bytes.slice();
    for (let count = random(8); count >= 0; count--) garbage[random(garbage.length)] = random(256);
    try {
      agent.CreateContainerRequest.decode(garbage);
    } catch (error) {
      assert.ok(error instanceof Error);
    }
  }
});

test('a message that claims to be longer than what it is in is refused', () => {
  const inner = new BinaryWriter().tag(8, WireType.LengthDelimited).uint32(50).finish();
  const outer = new BinaryWriter().tag(6, WireType.LengthDelimited).bytes(inner).raw(new Uint8Array(100)).finish();
  assert.throws(() => agent.CreateContainerRequest.decode(outer), /longer than what it is in/);
});
