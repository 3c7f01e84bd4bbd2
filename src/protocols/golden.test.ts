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
    assert.equal(Buffer.from(again).toString('hex'), Buffer.from(bytes).toString('hex'));
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
