import './os/polyfill.ts';
import { exit } from 'std';
import { complain } from './shim/delete.ts';
import { shimMain } from './shim/main.ts';

/** The host's programs are one file: which one it is, its name says. */
async function main(): Promise<void> {
  const [name = '', ...argv] = scriptArgs;
  if (name.slice(name.lastIndexOf('/') + 1).startsWith('containerd-shim')) exit(await shimMain(argv));
  const { runtimeMain } = await import('./runtime/main.ts');
  exit(await runtimeMain(argv));
}

main().catch((error: unknown) => exit(complain(error)));
