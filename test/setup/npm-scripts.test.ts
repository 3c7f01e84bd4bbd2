import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

test('each script of npm takes the place of its shell: npm passes a signal on to the shell alone, which keeps it', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  const running = Object.entries(scripts).filter(([, command]) => /\bnode\b/.test(command));
  assert.ok(running.length > 5);
  assert.deepEqual(
    running.filter(([, command]) => !command.startsWith('exec node ')),
    [],
  );
});
