import { KataError } from '../errors/kata-error.ts';
import type { KeyRule, KeyValue } from './keys/rule.ts';
import { sectionKeys } from './keys/sections.ts';
import type { Settings } from './read-file.ts';
import { sameValue, showValue } from './show-value.ts';

/**
 * Throws `unimplemented` for the first setting that asks for what cannot be had here and must not be missing without a word: a
 * guest that is encrypted, a policy that is enforced. What hypervisors other than QEMU are told is theirs.
 */
export function refuseUnserved(settings: Settings): void {
  for (const [name, { value, where }] of settings) {
    const dot = name.lastIndexOf('.');
    const section = name.slice(0, dot);
    const key = name.slice(dot + 1);
    if (section.startsWith('hypervisor.') && !section.startsWith('hypervisor.qemu')) continue;
    const rule = sectionKeys(section)?.[key];
    if (rule?.refused === undefined || isServed(rule, value)) continue;
    throw new KataError(
      'unimplemented',
      `${where()}: ${key} = ${showValue(value)} in [${section}] cannot be served: ${rule.refused}`,
      { hint: 'remove it, or use a runtime that serves it' },
    );
  }
}

function isServed({ served, default: byDefault }: KeyRule, value: KeyValue): boolean {
  if (served !== undefined) return served.includes(value as string);
  return byDefault !== undefined && sameValue(byDefault, value);
}
