// npm start: from a fresh machine to the output of a container in its own VM.
import path from 'node:path';
import { dist, shown } from './paths.mjs';
import { prepare } from './prepare.mjs';
import { seconds } from './progress.mjs';
import { main, runVisibly } from './run.mjs';

await main(async () => {
  const start = performance.now();
  await prepare({ forTests: false });
  const runtime = path.join(dist, 'bin/kata-runtime');
  const args = ['run', '--rm', '--timeline', 'busybox', 'uname', '-a'];
  console.log(`set up in ${seconds(start)}\n$ ${[shown(runtime), ...args].join(' ')}`);
  return runVisibly(runtime, args);
});
