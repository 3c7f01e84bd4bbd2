import { KataError } from '../../errors/kata-error.ts';
import { readText } from '../../os/file.ts';
import type { WindowSize } from '../../os/tty.ts';
import type { StringUser } from '../../protocols/gen/agent.ts';
import type { LinuxSeccomp, Process, User } from '../../protocols/gen/oci.ts';
import { type CapabilityMasks, capabilityMasks } from '../capabilities.ts';
import { type ResourceLimit, resourceLimits } from '../rlimits.ts';
import { compileSeccomp, type SeccompFilter } from '../seccomp/filter.ts';

/** The architecture that this agent is built for (`syscall/numbers.ts`). */
const SECCOMP_ARCHITECTURE = 'SCMP_ARCH_X86_64';
/** umask(2) of a process whose spec says none. */
const DEFAULT_UMASK = 0o022;

/** All that a child needs to become one process of a container. */
export interface ProcessPlan {
  args: readonly string[];
  env: readonly string[];
  cwd: string;
  terminal: boolean;
  windowSize: WindowSize | undefined;
  user: User | undefined;
  stringUser: StringUser | undefined;
  umask: number;
  capabilities: CapabilityMasks;
  rlimits: readonly ResourceLimit[];
  noNewPrivileges: boolean;
  /** None: what the agent has, it inherits. */
  oomScoreAdj: bigint | undefined;
  seccomp: SeccompFilter | undefined;
}

/** Plans a process. `invalid-argument` names what in it is wrong. */
export function planProcess(
  process: Process,
  stringUser: StringUser | undefined,
  seccomp: LinuxSeccomp | undefined,
): ProcessPlan {
  if (process.args.length === 0)
    throw new KataError('invalid-argument', 'process.args is expected to name a program, it is empty');
  if (!process.cwd.startsWith('/'))
    throw new KataError(
      'invalid-argument',
      `an absolute process.cwd is expected, found ${JSON.stringify(process.cwd)}`,
    );
  const { consoleSize: size } = process;
  return {
    args: process.args,
    env: process.env,
    cwd: process.cwd,
    terminal: process.terminal,
    windowSize: size && size.width > 0 && size.height > 0 ? { columns: size.width, rows: size.height } : undefined,
    user: process.user,
    stringUser,
    umask: process.user?.umask ?? DEFAULT_UMASK,
    capabilities: capabilityMasks(process.capabilities),
    rlimits: resourceLimits(process.rlimits),
    noNewPrivileges: process.noNewPrivileges,
    oomScoreAdj: process.oomScoreAdj === ownOomScore() ? undefined : process.oomScoreAdj,
    seccomp: seccomp && filterOf(seccomp),
  };
}

/** Made once for a container, used by each of its processes: a profile names hundreds of system calls. */
const filters = new WeakMap<LinuxSeccomp, SeccompFilter>();
/** The last one that was made, and of what: containers mostly have the same profile. */
let last: { profile: string; filter: SeccompFilter } | undefined;

function filterOf(seccomp: LinuxSeccomp): SeccompFilter {
  const known = filters.get(seccomp);
  if (known !== undefined) return known;
  const profile = textOf(seccomp);
  if (last?.profile !== profile) last = { profile, filter: compileSeccomp(seccomp, SECCOMP_ARCHITECTURE) };
  filters.set(seccomp, last.filter);
  return last.filter;
}

/** Two profiles of the same text are the same. Hundreds of names, so they are joined by the engine, not one by one. */
function textOf({ defaultAction, defaultErrnoRet, architectures, flags, syscalls }: LinuxSeccomp): string {
  const rules = syscalls.map(({ names, action, errnoRet, args }) => {
    const conditions = args.map(({ index, value, valueTwo, op }) => `${index} ${op} ${value} ${valueTwo}`);
    return `${names.join(' ')}|${action}|${errnoRet}|${conditions.join(',')}`;
  });
  return [defaultAction, defaultErrnoRet, architectures.join(' '), flags.join(' '), ...rules].join('\n');
}

let ownScore: bigint | undefined;

/** The agent's own score; it does not change. */
function ownOomScore(): bigint {
  ownScore ??= BigInt(readText('/proc/self/oom_score_adj').trim());
  return ownScore;
}
