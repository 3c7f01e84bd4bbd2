import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readText } from './file.ts';
import { uname } from './uname.ts';

it('the system is called what the kernel calls it', () => {
  assert.equal(uname().release, readText('/proc/sys/kernel/osrelease').trim());
  assert.equal(uname().machine, 'x86_64');
});
