import assert from 'node:assert/strict';
import { it } from 'node:test';
import { endFlagsAtFirstWord } from './arguments.ts';

const shapes = {
  flags: {
    interactive: { kind: 'boolean' },
    tty: { kind: 'boolean' },
    readOnly: { kind: 'boolean' },
    env: { kind: 'parsed' },
    envFile: { kind: 'parsed' },
  },
  aliases: { i: 'interactive', t: 'tty', e: 'env' },
};
const ordered = (line: string): string => endFlagsAtFirstWord(line.split(' '), shapes).join(' ');

it("leaves the container's own flags to the container", () => {
  assert.equal(ordered('-it busybox ls -l --tty'), '-i -t -- busybox ls -l --tty');
  assert.equal(ordered('--read-only busybox sh -c x'), '--read-only -- busybox sh -c x');
});

it("takes a flag's value for a value, in each way of writing it", () => {
  for (const line of ['-e A=b', '-eA=b', '-e=A=b', '--env=A=b', '--env A=b'])
    assert.equal(ordered(`${line} busybox -e`), '--env A=b -- busybox -e', line);
  assert.equal(ordered('-ite A=b busybox'), '-i -t --env A=b -- busybox');
  assert.equal(ordered('--env-file f busybox'), '--env-file f -- busybox');
});

it('takes a value that looks like a flag for a value', () => {
  assert.equal(ordered('-e -it busybox'), '--env=-it -- busybox');
});

it('keeps a value with line ends whole', () => {
  assert.deepEqual(endFlagsAtFirstWord(['--env=A=1\n2', 'busybox'], shapes), ['--env', 'A=1\n2', '--', 'busybox']);
});

it('accepts -- in front of the image', () => {
  assert.equal(ordered('-i -- busybox -t'), '-i -- busybox -t');
});

it('leaves flags that nobody knows, and a value that is missing, for the parser to refuse', () => {
  assert.equal(ordered('--frob busybox'), '--frob -- busybox');
  assert.equal(ordered('-x busybox'), '-x -- busybox');
  assert.equal(ordered('-e'), '--env');
});
