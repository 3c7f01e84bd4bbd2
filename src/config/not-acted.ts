import type { KeyRule, KeyValue } from './keys/rule.ts';
import { sectionKeys } from './keys/sections.ts';
import type { Settings } from './read-file.ts';
import { sameValue, showValue } from './show-value.ts';

/** One warning for each setting that is known but has no effect yet, so that nothing is ignored in silence. */
export function notActedOn(settings: Settings): string[] {
  const warnings: string[] = [];
  for (const [name, { value, where }] of settings) {
    const dot = name.lastIndexOf('.');
    const section = name.slice(0, dot);
    const key = name.slice(dot + 1);
    // What other hypervisors are told is theirs.
    if (section.startsWith('hypervisor.') && !section.startsWith('hypervisor.qemu')) continue;
    const rule = sectionKeys(section)![key]!;
    if (hasEffect(rule, value)) continue;
    const instead = rule.default === undefined ? '' : `; ${showValue(rule.default)} holds`;
    warnings.push(`${where()}: ${key} = ${showValue(value)} in [${section}] is not acted on yet${instead}`);
  }
  return warnings;
}

function hasEffect(rule: KeyRule, value: KeyValue): boolean {
  if (rule.idle) return true;
  if (rule.acted && (rule.served === undefined || rule.served.includes(value as string))) return true;
  return rule.default !== undefined && sameValue(rule.default, value);
}
