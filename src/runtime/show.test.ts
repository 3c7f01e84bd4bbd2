import assert from 'node:assert/strict';
import { it } from 'node:test';
import { KataError } from '../errors/kata-error.ts';
import { containerToJson, formatContainers, formatStatus } from './container-list.ts';
import type { ContainerState } from './container-state.ts';
import { formatDuration } from './duration.ts';
import { statusOfFailure } from './exit-status.ts';
import { lastLinesStart } from './last-lines.ts';
import { matchContainer } from './match-container.ts';
import { formatSize } from './size.ts';
import { formatTimeline } from './timeline.ts';

const MINUTE = 60_000;
const NOW = Date.UTC(2026, 0, 2);
const record = {
  id: '3f2a9c0d1e5b7788990011223344556677889900aabbccddeeff001122334455',
  name: 'web',
  image: 'docker.io/library/busybox:latest',
  imageDigest: 'sha256:00',
  command: ['sh', '-c', 'while sleep 1; do date; done'],
  createdAtMs: NOW - 3 * MINUTE,
  autoRemove: false,
  terminal: false,
  stdin: false,
  detached: true,
  stopSignal: 15,
};
const running: ContainerState = { status: 'running', pid: 7 };
const exited: ContainerState = { status: 'exited', pid: 0, exit: { status: 137, atMs: NOW - 2 * MINUTE } };

it('lists containers in columns, as short as a person wants them', () => {
  assert.equal(
    formatContainers([{ record, state: running }], NOW),
    'CONTAINER ID   IMAGE     COMMAND                      CREATED         STATUS         NAME\n' +
      '3f2a9c0d1e5b   busybox   "sh -c while sleep 1; do…"   3 minutes ago   Up 3 minutes   web\n',
  );
});

it('says how a container ended and when', () => {
  assert.equal(formatStatus({ record, state: exited }, NOW), 'Exited (137) 2 minutes ago');
  assert.equal(formatStatus({ record, state: { status: 'paused', pid: 7 } }, NOW), 'Up 3 minutes (paused)');
});

it('gives programs whole ids and times that they can read', () => {
  const json = containerToJson({ record, state: exited });
  assert.equal(json.id, record.id);
  assert.equal(json.exitStatus, 137);
  assert.equal(json.exitedAt, '2026-01-01T23:58:00.000Z');
  assert.equal(containerToJson({ record, state: running }).exitStatus, null);
});

it('finds a container by name, by id, or by the beginning of its id', () => {
  const other = { ...record, id: `3f2b${'0'.repeat(60)}`, name: '3f2' };
  const all = [record, other];
  assert.equal(matchContainer('web', all), record);
  assert.equal(matchContainer(record.id, all), record);
  assert.equal(matchContainer('3f2a', all), record);
  assert.equal(matchContainer('3f2', all), other, 'a name is stronger than a beginning');
  assert.throws(
    () => matchContainer('3f', all),
    /begin the id of one container, it begins 2: 3f2a9c0d1e5b, 3f2b00000000/,
  );
  assert.throws(() => matchContainer('', all), { code: 'not-found' });
  assert.throws(() => matchContainer('nope', all), /there is no container "nope"/);
});

it('says spans of time as a person does', () => {
  const spans = [0, 999, 1000, 59_000, 119_000, 120_000, 2 * 3_600_000, 3 * 86_400_000, 21 * 86_400_000];
  assert.deepEqual(spans.map(formatDuration), [
    'less than a second',
    'less than a second',
    '1 second',
    '59 seconds',
    '119 seconds',
    '2 minutes',
    '2 hours',
    '3 days',
    '3 weeks',
  ]);
});

it('says sizes as a person does', () => {
  assert.deepEqual([0, 1023, 1024, 1.5 * 2 ** 20, 300 * 2 ** 30].map(formatSize), [
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1.5 MiB',
    '300 GiB',
  ]);
});

it('tells a start in the order in which things happened, since kata-runtime began', () => {
  const marks = { 'process-exited': 2100.4, 'vm-spawned': 1040, 'shim-started': 1012, 'agent-up': 1900 };
  assert.equal(
    formatTimeline(marks, 1000),
    'shim started    12 ms\nspawned         40 ms\nagent up       900 ms\nexited        1100 ms\n',
  );
});

it('finds the last lines, with and without an end of the last one', () => {
  const tail = (text: string, count: number): string => text.slice(lastLinesStart(Buffer.from(text), count));
  assert.equal(tail('a\nb\nc\n', 2), 'b\nc\n');
  assert.equal(tail('a\nb\nc', 2), 'b\nc');
  assert.equal(tail('a\nb\n', 9), 'a\nb\n');
  assert.equal(tail('a\nb\n', 0), '');
  assert.equal(tail('', 1), '');
});

it("tells a command that is not there from one that cannot run, and both from its own failures, as docker's", () => {
  const status = (code: 'not-found' | 'permission-denied' | 'invalid-argument', message: string): number =>
    statusOfFailure(new KataError(code, message));
  assert.equal(status('not-found', 'exec: "frob": executable file not found in $PATH'), 127);
  assert.equal(status('permission-denied', 'exec: "/etc/passwd": permission denied'), 126);
  assert.equal(status('invalid-argument', 'exec /bin/x: exec format error'), 126);
  assert.equal(status('not-found', 'the image x is expected on this machine'), 125);
});
