import assert from 'node:assert/strict';
import test from 'node:test';
import { Spec } from '../../protocols/gen/oci.ts';
import { toConfigJson } from './config-json.ts';

test('hooks read the spec as the runtime-spec writes it', () => {
  const spec = Spec.decode(new Uint8Array());
  spec.version = '1.2.0';
  spec.root = { path: '/run/kata-containers/c/rootfs', readonly: false };
  spec.hooks = {
    prestart: [{ path: '/hook', args: ['hook'], env: [], timeout: 5n }],
    poststart: [],
    poststop: [],
    createRuntime: [],
    createContainer: [],
    startContainer: [],
  };
  assert.deepEqual(JSON.parse(toConfigJson(spec)), {
    ociVersion: '1.2.0',
    root: { path: '/run/kata-containers/c/rootfs', readonly: false },
    hooks: { prestart: [{ path: '/hook', args: ['hook'], timeout: 5 }] },
  });
});
