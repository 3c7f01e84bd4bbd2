import { AGENT, MEM_AGENT } from './agent.ts';
import { HYPERVISOR, HYPERVISORS, ROOTLESS_USER } from './hypervisor.ts';
import type { KeyTable } from './rule.ts';
import { FACTORY, RUNTIME } from './runtime.ts';

/** The keys of a section by its dotted name, `hypervisor.qemu`; undefined for a section that nobody knows. */
export function sectionKeys(section: string): KeyTable | undefined {
  return SECTIONS.get(section);
}

/** Every known section's name, to find the one that was meant. */
export function sectionNames(): string[] {
  return [...SECTIONS.keys()];
}

const SECTIONS: ReadonlyMap<string, KeyTable> = new Map<string, KeyTable>([
  ['runtime', RUNTIME],
  ['factory', FACTORY],
  ['agent.kata', AGENT],
  ['agent.kata.mem_agent', MEM_AGENT],
  ...HYPERVISORS.flatMap((name): [string, KeyTable][] => [
    [`hypervisor.${name}`, HYPERVISOR],
    [`hypervisor.${name}.factory`, FACTORY],
    [`hypervisor.${name}.rootless_user`, ROOTLESS_USER],
  ]),
]);
