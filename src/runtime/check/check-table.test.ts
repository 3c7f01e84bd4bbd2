import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Need } from '../../sandbox/host-check/need.ts';
import { formatNeeds, formatVerdict } from './check-table.ts';

const needs: Need[] = [
  { name: 'QEMU', state: 'there', found: '8.2.1' },
  { name: '/dev/vhost-net', state: 'instead', found: 'ENOENT', instead: 'slower', get: 'modprobe vhost_net' },
  { name: 'huge pages', state: 'unused', found: 'none' },
];
const broken: Need[] = [...needs, { name: 'root', state: 'missing', found: 'another user', get: 'sudo' }];

test('each need has its line, and below it what a person can do', () => {
  assert.equal(
    formatNeeds(broken),
    [
      'NEED             STATE     FOUND',
      'QEMU             ok        8.2.1',
      '/dev/vhost-net   instead   ENOENT',
      '                           instead: slower',
      '                           to get it: modprobe vhost_net',
      'huge pages       -         none',
      'root             MISSING   another user',
      '                           to get it: sudo',
      '',
    ].join('\n'),
  );
});

test('the last line says whether containers can run', () => {
  assert.equal(formatVerdict(needs.slice(0, 1), true), 'containers can run on this host\n');
  assert.equal(
    formatVerdict(needs, false),
    'containers can run on this host; something stands in for /dev/vhost-net\n',
  );
  assert.match(formatVerdict(needs, true), /--strict takes no second choice: .*\/dev\/vhost-net/);
  assert.equal(formatVerdict(broken, false), 'containers cannot run on this host: root missing\n');
});
