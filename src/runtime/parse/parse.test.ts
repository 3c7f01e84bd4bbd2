import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseContainerName, randomName } from './container-name.ts';
import { parseCpus } from './cpus.ts';
import { mergeEnvironment, parseVariable, parseVariables } from './environment.ts';
import { parseMemorySize } from './memory-size.ts';
import { parseVolume } from './volume.ts';

it('reads sizes of memory as docker writes them', () => {
  for (const text of ['512m', '512M', '512mb', '512MiB', '0.5g', '524288k', '536870912', '536870912b'])
    assert.equal(parseMemorySize(text), 512 * 2 ** 20, text);
});

it('refuses a memory that is none, or too small to start in', () => {
  for (const text of ['', 'much', '-1g', '1e9', '5m', '1x'])
    assert.throws(() => parseMemorySize(text), { code: 'invalid-argument' }, text);
});

it('reads parts of processors', () => {
  assert.equal(parseCpus('1.5'), 1.5);
  assert.equal(parseCpus('.5'), 0.5);
  assert.equal(parseCpus('2'), 2);
  for (const text of ['', '0', '-1', '0.001', 'two', '1e2', 'Infinity'])
    assert.throws(() => parseCpus(text), /at least 0.01/, text);
});

it("passes a variable's value on as it is, or our own, or none", () => {
  const own = { HOME: '/root' };
  assert.deepEqual(parseVariable('A=b=c', own), ['A=b=c']);
  assert.deepEqual(parseVariable('A=', own), ['A=']);
  assert.deepEqual(parseVariable('HOME', own), ['HOME=/root']);
  assert.deepEqual(parseVariable('UNSET', own), []);
  assert.throws(() => parseVariable('=x', own), /an environment variable is expected, found "=x"/);
});

it('reads a file of variables with comments and blank lines', () => {
  assert.deepEqual(parseVariables('#FIRST=0\nA=1\r\n\n  B=two words \nHOME\n', { HOME: '/h' }), [
    'A=1',
    'B=two words ',
    'HOME=/h',
  ]);
});

it('lets a later variable replace an earlier one of its name', () => {
  assert.deepEqual(mergeEnvironment(['A=1', 'AB=2'], ['A=3', 'C=4']), ['A=3', 'AB=2', 'C=4']);
});

it('names a container at random by names that it accepts', () => {
  assert.equal(parseContainerName(randomName(0, 0)), 'able_acorn');
  assert.equal(parseContainerName(randomName(0.999, 0.999)), 'wise_stone');
});

it('refuses names that could be a path, a flag or part of another command', () => {
  for (const name of ['', 'a', '-x', '../x', 'a b', 'a/b', '.a', 'ä1'])
    assert.throws(() => parseContainerName(name), { code: 'invalid-argument' }, name);
});

it('reads volumes of whole paths, read-only when asked', () => {
  assert.deepEqual(parseVolume('/a:/b:ro'), {
    type: 'bind',
    source: '/a',
    destination: '/b',
    options: ['rbind', 'rprivate', 'ro'],
  });
  for (const text of ['/a', 'a:/b', '/a:b', '/a:/', '/a:/b:rx', '/a:/b:ro:z'])
    assert.throws(() => parseVolume(text), /a volume is expected/, text);
});
