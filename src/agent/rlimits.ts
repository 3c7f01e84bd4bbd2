import { KataError } from '../errors/kata-error.ts';
import type { POSIXRlimit } from '../protocols/gen/oci.ts';

/** Resource numbers on x86-64 and arm64 (asm-generic/resource.h). */
const RESOURCES: ReadonlyMap<string, number> = new Map(
  [
    'CPU',
    'FSIZE',
    'DATA',
    'STACK',
    'CORE',
    'RSS',
    'NPROC',
    'NOFILE',
    'MEMLOCK',
    'AS',
    'LOCKS',
    'SIGPENDING',
    'MSGQUEUE',
    'NICE',
    'RTPRIO',
    'RTTIME',
  ].map((name, number) => [`RLIMIT_${name}`, number]),
);

/** A limit as prlimit(2) takes it; 2^64-1 is no limit. */
export interface ResourceLimit {
  resource: number;
  soft: bigint;
  hard: bigint;
  /** `RLIMIT_NOFILE`, for messages. */
  name: string;
}

/** The limits of a spec. Throws `invalid-argument` for an unknown name, one that stands twice, or soft above hard. */
export function resourceLimits(rlimits: readonly POSIXRlimit[]): ResourceLimit[] {
  const seen = new Set<string>();
  return rlimits.map(({ type, soft, hard }) => {
    const resource = RESOURCES.get(type);
    if (resource === undefined) throw wrong(type, 'a name like RLIMIT_NOFILE', `'${type}'`);
    if (seen.has(type)) throw wrong(type, 'each limit once', 'two');
    if (soft > hard) throw wrong(type, 'a soft limit no higher than the hard one', `${soft} above ${hard}`);
    seen.add(type);
    return { resource, soft, hard, name: type };
  });
}

function wrong(type: string, expected: string, found: string): KataError {
  return new KataError('invalid-argument', `process.rlimits ${type}: expected ${expected}, found ${found}`, {
    hint: 'getrlimit(2) lists all limits',
  });
}
