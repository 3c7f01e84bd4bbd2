import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { makeImage, runContainer, shell, type TestImage } from './testing/test-container.ts';

let image: TestImage;
before(() => {
  image = makeImage();
});
after(() => image.dispose());

test("a container prints, and its exit status is its program's", async () => {
  assert.deepEqual(await runContainer(image, ['sh', '-c', 'echo out; echo err >&2; exit 7']), {
    stdout: 'out\n',
    stderr: 'err\n',
    status: { code: 7, signal: 0 },
  });
});

test('a container sees its own processes, mounts and host name', async () => {
  assert.equal(
    await shell(image, 'echo $$; hostname; ls /', { hostname: 'box' }),
    '1\nbox\nbin\ndev\netc\nhome\nproc\nroot\nsys\ntmp',
  );
});
