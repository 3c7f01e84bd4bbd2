import '../os/polyfill.ts';
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { makeDirectories, removeTree } from '../os/directory.ts';
import { randomHex } from '../os/random.ts';
import { ignoreSignal, SIGNAL } from '../os/signal.ts';
import { type Listener, listenUnix } from '../os/socket.ts';
import { sleep } from '../os/timer.ts';
import { EventsDefinition } from '../protocols/gen/event-forward.ts';
import { TtrpcServer } from '../ttrpc/server.ts';
import { EventPublisher } from './events.ts';

/** What stands in for containerd: the topics that it was told, in order. */
function daemon(path: string): { topics: string[]; listener: Listener } {
  const topics: string[] = [];
  const listener = listenUnix(path);
  const server = new TtrpcServer();
  server.register(EventsDefinition, {
    forward: ({ envelope }) => {
      topics.push(`${envelope?.namespace}${envelope?.topic}`);
    },
  });
  const accept = async () => {
    for (;;) void server.serve(await listener.accept());
  };
  void accept().catch(() => {});
  return { topics, listener };
}

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = `/tmp/kata-events-${randomHex(6)}`;
  makeDirectories(folder, 0o700);
  try {
    await body(folder);
  } finally {
    removeTree(folder);
  }
}

const target = (path: string) => ({
  ttrpcAddress: `unix://${path}`,
  publishBinary: '',
  containerdAddress: '',
  namespace: 'ns',
});

it('tells what happened while containerd was away, in order, once it is back', () =>
  withFolder(async (folder) => {
    const reports: string[] = [];
    const publisher = new EventPublisher(target(`${folder}/s`), (message) => reports.push(message));
    publisher.publish('TaskCreate', { containerId: 'c' });
    publisher.publish('TaskExit', { containerId: 'c', exitStatus: 1 });
    await sleep(600);
    const { topics, listener } = daemon(`${folder}/s`);
    for (let waitedMs = 0; topics.length < 2 && waitedMs < 5000; waitedMs += 20) await sleep(20);
    assert.deepEqual(topics, ['ns/tasks/create', 'ns/tasks/exit']);
    assert.deepEqual(reports, []);
    publisher.close();
    listener.close();
  }));

it('does not hold up the end of a shim for a containerd that is gone, and says what is lost', () =>
  withFolder(async (folder) => {
    const reports: string[] = [];
    const publisher = new EventPublisher(target(`${folder}/nobody`), (message) => reports.push(message));
    publisher.publish('TaskDelete', { containerId: 'c' });
    await publisher.flush();
    assert.equal(reports.length, 1);
    assert.match(reports[0]!, /\/tasks\/delete could not be given to containerd/);
  }));

it('gives events to a binary that does not read them up, without hanging or leaving it behind', async () => {
  ignoreSignal(SIGNAL.PIPE);
  const reports: string[] = [];
  const binary = { ttrpcAddress: '', publishBinary: '/bin/false', containerdAddress: '/x', namespace: 'ns' };
  const publisher = new EventPublisher(binary, (message) => reports.push(message));
  publisher.publish('TaskExit', { containerId: 'c' });
  await publisher.flush();
  assert.match(reports[0]!, /ended with 1/);
});
