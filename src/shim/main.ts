import { getcwd } from '../os/cwd.ts';
import { writeSync } from '../os/fd.ts';
import { utf8Encode } from '../os/utf8.ts';
import { VERSION } from '../version.ts';
import { cleanUp, complain } from './delete.ts';
import { parseShimFlags } from './flags.ts';
import { keepPool } from './pool/keeper.ts';
import { poolMember } from './pool/member.ts';
import { runtimeInfo } from './runtime-info.ts';
import { start } from './start.ts';

/** containerd-shim-kata-v2: its exit status. */
export async function shimMain(argv: readonly string[]): Promise<number> {
  try {
    const [word, configPath] = argv;
    if (word === 'pool' && configPath !== undefined) return await keepPool(configPath);
    if (word === 'pool-member' && configPath !== undefined) return await poolMember(configPath);
    const flags = parseShimFlags(argv);
    if (flags.version) {
      writeSync(1, utf8Encode(`containerd-shim-kata-v2 ${VERSION}\n`));
      return 0;
    }
    if (flags.info) {
      writeSync(1, runtimeInfo());
      return 0;
    }
    const bundle = flags.bundle === '' ? getcwd() : flags.bundle;
    if (flags.action === 'start') return await start(flags, bundle);
    if (flags.action === 'delete') return await cleanUp(flags, bundle);
    throw new Error('an action is expected: start or delete; containerd runs this program, people run kata-runtime');
  } catch (error) {
    return complain(error);
  }
}
