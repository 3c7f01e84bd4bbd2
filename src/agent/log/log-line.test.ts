import assert from 'node:assert/strict';
import test from 'node:test';
import { KataError } from '../../errors/kata-error.ts';
import { isWanted, kmsgPriority } from './log-level.ts';
import { formatLogLine } from './log-line.ts';

test('a line names its level, its message and its fields', () => {
  const line = formatLogLine('info', 'container started', { container: 'web', pid: 7, exec: undefined });
  assert.equal(line, 'kata-agent level=info msg="container started" container=web pid=7');
});

test('a name with a line break cannot forge a second line', () => {
  const line = formatLogLine('warn', 'bad id', { id: 'a\nkata-agent level=info msg=fine' });
  assert.equal(line.includes('\n'), false);
});

test('an error is told with what to do next', () => {
  const error = new KataError('not-found', 'no disk 0:3', { hint: 'hot-plug it first' });
  assert.match(formatLogLine('error', 'storage', { error }), /error="no disk 0:3 \(hot-plug it first\)"/);
});

test('a very long value is cut, so that the kernel takes the line whole', () => {
  assert.ok(formatLogLine('info', 'x'.repeat(10000)).length < 500);
});

test('the level of the command line lets through what is at least as severe', () => {
  assert.deepEqual(
    [isWanted('error', 'info'), isWanted('info', 'info'), isWanted('debug', 'info')],
    [true, true, false],
  );
});

test('a quiet console shows what is a warning and worse', () => {
  assert.deepEqual([kmsgPriority('error') & 7, kmsgPriority('warn') & 7], [3, 3]);
  assert.ok((kmsgPriority('info') & 7) > 3);
  assert.equal(kmsgPriority('error') >> 3, 3, 'told from the kernel`s own by the facility daemon');
});
