import type { Variant } from '../dbus/marshal.ts';

/** A property of a transient unit (org.freedesktop.systemd1(5)). */
export type UnitProperty = readonly [name: string, value: Variant];

export interface Scope {
  /** `cri-containerd-0a.scope`. */
  unit: string;
  slice: string;
  description: string;
  /** Processes that it begins with; systemd refuses a scope without any. */
  pids: readonly number[];
}

const text = (value: string): Variant => ({ type: 's', value });
const flag = (value: boolean): Variant => ({ type: 'b', value });

/** What each version of systemd added; an older one refuses the whole unit for a property that it does not know. */
const ACCOUNTING: readonly { name: string; since: number; until: number }[] = [
  { name: 'CPUAccounting', since: 208, until: Number.POSITIVE_INFINITY },
  { name: 'MemoryAccounting', since: 208, until: Number.POSITIVE_INFINITY },
  { name: 'BlockIOAccounting', since: 208, until: 229 },
  { name: 'TasksAccounting', since: 227, until: Number.POSITIVE_INFINITY },
  { name: 'IOAccounting', since: 230, until: Number.POSITIVE_INFINITY },
];
const DELEGATE_SINCE = 218;

/** The number in what systemd tells of itself: `252.38-1~deb12u1`, `systemd 219`; null for something else. */
export function systemdVersion(told: string): number | null {
  const digits = /^(?:systemd )?v?(\d+)/.exec(told)?.[1];
  return digits === undefined ? null : Number(digits);
}

/**
 * The properties of a scope whose cgroup is left to us, for this version of systemd; null, when it is not known: only those
 * that every version knows.
 *
 * Unlike Kata: which sends an old systemd `IOAccounting`, is refused, and does not look at the refusal (#10105, #10756).
 */
export function scopeProperties(scope: Scope, version: number | null): UnitProperty[] {
  const known = version ?? 0;
  return [
    ['Description', text(scope.description)],
    ['Slice', text(scope.slice)],
    ['PIDs', { type: 'au', value: scope.pids }],
    ['DefaultDependencies', flag(false)],
    ...(known >= DELEGATE_SINCE ? [['Delegate', flag(true)] as const] : []),
    ...ACCOUNTING.filter(({ since, until }) => known >= since && known <= until).map(
      ({ name }) => [name, flag(true)] as const,
    ),
  ];
}
