// Upstream's shim at the other end: what it sent in one `ctr run`, byte by byte and in its order, is answered by our agent.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { MessageType } from '../../src/protocols/codec.ts';
import {
  CreateContainerRequest,
  GuestDetailsResponse,
  ReadStreamResponse,
  WaitProcessResponse,
} from '../../src/protocols/gen/agent.ts';
import { HealthCheckResponse } from '../../src/protocols/gen/health.ts';
import { AgentVm } from '../harness/agent-vm.ts';

const GOLDEN = 'test/golden/kata-3.30-ctr-run';
const ROOT = '/run/kata-containers/shared/containers/k4/rootfs';
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;

let vm: AgentVm;

before(async () => {
  vm = await AgentVm.boot();
});
after(() => vm.close());

const recorded = (name: string): Uint8Array => readFileSync(`${GOLDEN}/${name}.bin`);

/** Sends a recorded request with the metadata that each had; the answer. */
async function replay<T>(name: string, response?: MessageType<T>): Promise<T> {
  const [, service = '', method = ''] = name.match(/^\d+-(.*)\.(\w+)$/) ?? [];
  const metadata = { 'containerd-namespace-ttrpc': 'default' };
  const payload = await vm.client.call(service, method, [recorded(name)], { metadata, timeoutMs: 30_000 });
  return (response?.decode(payload) ?? payload) as T;
}

/** Puts a file into the guest as upstream's shim does it in remote mode. */
async function copy(path: string, fileMode: number, data: Uint8Array): Promise<void> {
  const PIECE = 1 << 20;
  for (let offset = 0; offset === 0 || offset < data.length; offset += PIECE) {
    await vm.agent.copyFile({
      path,
      fileSize: BigInt(data.length),
      fileMode,
      dirMode: 0o755,
      uid: 0,
      gid: 0,
      offset: BigInt(offset),
      data: data.subarray(offset, offset + PIECE),
    });
  }
}

test('one `ctr run` of upstream, from the first health check to the end of the sandbox', {
  timeout: 120_000,
}, async () => {
  assert.equal((await replay('003-grpc.Health.Check', HealthCheckResponse)).status, 1);
  await replay('004-grpc.AgentService.CreateSandbox');
  const details = await replay('005-grpc.AgentService.GetGuestDetails', GuestDetailsResponse);
  assert.equal(details.agentDetails?.initDaemon, true);
  assert.ok(details.agentDetails?.storageHandlers.includes('ephemeral'));

  // Adapted: upstream's run had pulled the image inside the guest; here the root is copied to where its spec has it.
  await copy(`${ROOT}/bin/busybox`, S_IFREG | 0o755, readFileSync('/bin/busybox'));
  await copy(`${ROOT}/bin/uname`, S_IFLNK | 0o777, Buffer.from('busybox'));
  for (const folder of ['proc', 'dev', 'sys', 'run']) {
    const request = { path: `${ROOT}/${folder}`, fileSize: 0n, fileMode: 0o40755, dirMode: 0o755, uid: 0, gid: 0 };
    await vm.agent.copyFile({ ...request, offset: 0n, data: new Uint8Array() });
  }
  assert.deepEqual(
    CreateContainerRequest.decode(recorded('006-grpc.AgentService.CreateContainer')).OCI?.process?.args,
    ['uname', '-a'],
  );
  await replay('006-grpc.AgentService.CreateContainer');
  await replay('007-grpc.AgentService.StartContainer');
  // A long poll: it stays open until the sandbox goes.
  const oom = replay('008-grpc.AgentService.GetOOMEvent').then(
    () => 'answered',
    (error: Error) => error.message,
  );
  const [stderr, first] = await Promise.all([
    replay('009-grpc.AgentService.ReadStderr', ReadStreamResponse),
    replay('010-grpc.AgentService.ReadStdout', ReadStreamResponse),
  ]);
  assert.equal(stderr.data.length, 0);
  assert.match(Buffer.from(first.data).toString(), /^Linux .*x86_64 GNU\/Linux\n$/);
  assert.equal((await replay('011-grpc.AgentService.ReadStdout', ReadStreamResponse)).data.length, 0);
  assert.equal((await replay('012-grpc.AgentService.WaitProcess', WaitProcessResponse)).status, 0);
  await replay('013-grpc.AgentService.SignalProcess');
  assert.equal((await replay('014-grpc.AgentService.WaitProcess', WaitProcessResponse)).status, 0);
  await replay('015-grpc.AgentService.RemoveContainer');
  await replay('016-grpc.AgentService.RemoveStaleVirtiofsShareMounts');
  await replay('017-grpc.AgentService.DestroySandbox');
  assert.match(await oom, /the sandbox is gone/);
});
