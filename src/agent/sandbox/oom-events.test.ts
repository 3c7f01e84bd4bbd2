import assert from 'node:assert/strict';
import test from 'node:test';
import { OomEvents } from './oom-events.ts';

const patient = { cancelled: new Promise<void>(() => {}), isCancelled: false };

test('an event that came before anybody asked is not lost', async () => {
  const events = new OomEvents();
  events.add('web');
  events.add('db');
  assert.equal(await events.next(patient), 'web');
  assert.equal(await events.next(patient), 'db');
});

test('of two who wait each gets one event', async () => {
  const events = new OomEvents();
  const both = Promise.all([events.next(patient), events.next(patient)]);
  events.add('web');
  events.add('db');
  assert.deepEqual((await both).sort(), ['db', 'web']);
});

test('a caller whose connection is gone takes no event with it', async () => {
  const events = new OomEvents();
  let hangUp = (): void => {};
  const caller = {
    isCancelled: false,
    cancelled: new Promise<void>((resolve) => {
      hangUp = resolve;
    }),
  };
  const gone = events.next(caller);
  caller.isCancelled = true;
  hangUp();
  await assert.rejects(gone, /connection of the caller is gone/);
  events.add('web');
  assert.equal(await events.next(patient), 'web');
});

test('an event that comes as its taker hangs up goes to the next who asks', async () => {
  const events = new OomEvents();
  let hangUp = (): void => {};
  const caller = {
    isCancelled: false,
    cancelled: new Promise<void>((resolve) => {
      hangUp = resolve;
    }),
  };
  const gone = events.next(caller);
  events.add('web');
  caller.isCancelled = true;
  hangUp();
  await assert.rejects(gone);
  assert.equal(await events.next(patient), 'web');
});

test('the end of the sandbox ends every wait', async () => {
  const events = new OomEvents();
  const waiting = events.next(patient);
  events.close();
  await assert.rejects(waiting, /the sandbox is gone/);
});
