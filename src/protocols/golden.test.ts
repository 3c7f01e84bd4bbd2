// The bytes of a stranger: every request that an upstream shim sent in one `ctr run` (test/golden).
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { AgentServiceDefinition, CreateContainerRequest } from './gen/agent.ts';
import { HealthDefinition } from './gen/health.ts';
import { HypervisorDefinition } from './gen/hypervisor.ts';
import type { MethodDefinition, ServiceDefinition } from './service.ts';

const folder = path.resolve('test/golden/kata-3.30-ctr-run');
const services: ServiceDefinition[] = [AgentServiceDefinition, HealthDefinition, HypervisorDefinition];

function methodOf(file: string): MethodDefinition {
  const [, service, method] = /^\d+-(.*)\.(\w+)\.bin$/.exec(file) ?? [];
  const definition = services.find(({ fullName }) => fullName === service);
  const found = Object.values(definition?.methods ?? {}).find(({ name }) => name === method);
  assert.ok(found, `${file}: no such method in our protocols`);
  return found;
}

/** The fields of a message as their own bytes, tag included: enough of protobuf for these messages' outermost level. */
function fieldsOf(bytes: Uint8Array): string[] {
  const fields: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const start = at;
    const wireType = bytes[at++]! & 7;
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      value |= (bytes[at]! & 127) << shift;
      if (bytes[at++]! < 128) break;
    }
    assert.ok(wireType === 0 || wireType === 2, `wire type ${wireType}`);
    if (wireType === 2) at += value;
    fields.push(Buffer.from(bytes.subarray(start, at)).toString('hex'));
  }
  return fields;
}

const files = readdirSync(folder);

test('the recorded run is whole', () => {
  assert.equal(files.length, 18);
});

for (const file of files) {
  test(`${file} is decoded without loss: it encodes to the same bytes`, () => {
    const bytes = new Uint8Array(readFileSync(path.join(folder, file)));
    const { requestType } = methodOf(file);
    const message = requestType.decode(bytes);
    const again = requestType.encode(message).finish();
    assert.deepEqual(requestType.decode(again), message);
    if (Buffer.compare(again, bytes) === 0) return;
    // Go writes the empty value of a map's entry, we leave it out; protobuf allows both. Nothing else may differ.
    const ours = fieldsOf(again);
    const theirs = fieldsOf(bytes);
    assert.equal(ours.length, theirs.length);
    for (const [index, field] of theirs.entries()) {
      if (field === ours[index]) continue;
      const length = Number.parseInt(field.slice(2, 4), 16);
      const shorter = field.slice(0, 2) + (length - 2).toString(16).padStart(2, '0') + field.slice(4, -4);
      assert.ok(field.endsWith('1200'), `field ${index}: ${field}`);
      assert.equal(ours[index], shorter);
    }
  });
}

test('the container of the recorded run reads as the operator asked for it', () => {
  const name = files.find((file) => file.includes('CreateContainer')) ?? '';
  const request = CreateContainerRequest.decode(new Uint8Array(readFileSync(path.join(folder, name))));
  assert.equal(request.containerId, 'k4');
  assert.equal(request.OCI?.root?.path, '/run/kata-containers/shared/containers/k4/rootfs');
  assert.deepEqual(request.OCI?.process?.args, ['uname', '-a']);
  assert.equal(request.OCI?.process?.cwd, '/');
  const namespaces = request.OCI?.linux?.namespaces.map(({ type }) => type) ?? [];
  for (const type of ['ipc', 'uts', 'mount']) assert.ok(namespaces.includes(type), `${type} in ${namespaces}`);
});

test('the agent is asked in 42 ways, each under the name that upstream uses', () => {
  const names = Object.values(AgentServiceDefinition.methods).map(({ name }) => name);
  assert.equal(names.length, 42);
  for (const name of ['CreateContainer', 'GetOOMEvent', 'AddARPNeighbors', 'GetIPTables', 'OnlineCPUMem']) {
    assert.ok(
      names.some((known) => known === name),
      name,
    );
  }
});
