import assert from 'node:assert/strict';
import { test } from 'node:test';
import { syscall } from 'sys';
import { NR } from '../../syscall/numbers.ts';
import { mappingsOf, PROT, parseMappings } from './memory-map.ts';

test('mappings are read with their files, protection and wishes', () => {
  const [library, heap, vdso] = parseMappings(`\
7f0000000000-7f0000002000 r-xp 00001000 fe:00 338944                     /usr/lib/a library.so (deleted)
Rss:                   8 kB
VmFlags: rd ex mr mw me sd
560000000000-560000200000 rw-s 00000000 00:00 0                          [heap]
VmFlags: rd wr mr mw me ac sd hg
7ffc00000000-7ffc00001000 r-xp 00000000 00:00 0                          [vdso]
VmFlags: rd ex mr mw me de sd
`);
  assert.deepEqual(library, {
    start: 0x7f0000000000,
    end: 0x7f0000002000,
    protection: PROT.READ | PROT.EXEC,
    shared: false,
    file: { path: '/usr/lib/a library.so (deleted)', offset: 0x1000 },
    special: '',
    isStack: false,
    wantsHugePages: false,
  });
  assert.equal(heap!.file, null);
  assert.ok(heap!.shared && heap!.wantsHugePages);
  assert.equal(vdso!.special, 'vdso');
});

test('those of this process hold its stack and the kernel’s own', () => {
  const mappings = mappingsOf(syscall(NR.getpid));
  assert.equal(mappings.filter(({ isStack }) => isStack).length, 1);
  assert.equal(mappings.filter(({ special }) => special === 'vdso').length, 1);
});
