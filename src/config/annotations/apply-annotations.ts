import { KataError } from '../../errors/kata-error.ts';
import { checkValue } from '../check-value.ts';
import type { KeyRule, KeyValue } from '../keys/rule.ts';
import { sectionKeys } from '../keys/sections.ts';
import { nearest } from '../nearest.ts';
import type { Setting, Settings } from '../read-file.ts';
import { type AnnotationRule, annotationTable } from './annotation-table.ts';
import { isEnabled } from './enabled.ts';
import { hashDemands, type WantedHash } from './hashes.ts';
import { CONFIG_PREFIX, configAnnotations, HASH_TYPES, HYPERVISOR_PREFIX, REFUSED_ANNOTATIONS } from './names.ts';
import { parseAnnotation } from './parse-value.ts';
import { isPlainPath, matchesPattern } from './shell-pattern.ts';

const HINT = "correct the pod's annotation";

export interface Annotated {
  /** One line each: annotations that nobody knows, or that demand a hash of what is not used. */
  warnings: string[];
  hashes: WantedHash[];
}

/**
 * Lays what a sandbox's annotations ask for over the settings of the files, as upstream's runtimes do: those of the
 * hypervisor only if a pattern of `enable_annotations` matches their name (`permission-denied`), paths only if a pattern of
 * their `valid_*` list does, values checked as the keys' are (`invalid-argument`).
 */
export function applyAnnotations(
  settings: Settings,
  annotations: Readonly<Record<string, string>>,
  hostProcessors: number,
): Annotated {
  const warnings: string[] = [];
  const asked = configAnnotations(annotations);
  if (Object.keys(asked).length === 0) return { warnings, hashes: [] };
  // All of them first: what is not enabled decides, whatever else is wrong.
  for (const name of Object.keys(asked)) if (name.startsWith(HYPERVISOR_PREFIX)) requireEnabled(settings, name);
  const overlay: Settings = new Map();
  for (const [name, text] of Object.entries(asked)) {
    const refused = Object.hasOwn(REFUSED_ANNOTATIONS, name) ? REFUSED_ANNOTATIONS[name] : undefined;
    if (refused !== undefined)
      throw new KataError('unimplemented', `annotation ${name} cannot be served: ${refused}`, {
        hint: 'remove it from the pod',
      });
    const rule = annotationTable().rules.get(name);
    if (rule !== undefined) overlayOne(settings, overlay, name, text, rule, hostProcessors);
    else if (!annotationTable().hashes.has(name) && !HASH_TYPES.includes(name)) warnings.push(unknown(name));
  }
  const { hashes, unused } = hashDemands(asked);
  // Only now: which patterns are valid is for the files to say.
  for (const [name, setting] of overlay) settings.set(name, setting);
  return { hashes, warnings: [...warnings, ...unused] };
}

function requireEnabled(settings: Settings, name: string): void {
  const key = name.slice(HYPERVISOR_PREFIX.length);
  if (isEnabled(settings, key)) return;
  throw new KataError('permission-denied', `annotation ${name} is not enabled`, {
    hint: `the administrator of this host enables it by a pattern that matches ${key} in enable_annotations of [hypervisor.qemu]`,
  });
}

function overlayOne(
  settings: Settings,
  overlay: Settings,
  name: string,
  text: string,
  annotation: AnnotationRule,
  hostProcessors: number,
): void {
  const { section, key, ignores, excludes } = annotation;
  const where = (): string => `annotation ${name}`;
  const rule = sectionKeys(section)![key]!;
  if (annotation.allowedBy !== undefined) requireAllowed(settings, name, text, annotation.allowedBy);
  if (ignores === 'empty' && text === '') return;
  if (annotation.isPath && text !== '' && !isPlainPath(text))
    throw invalid(name, 'an absolute path without . and .. in it', text);
  const value = checkValue(rule, parseAnnotation(portOf(text, key), annotation, rule), where, HINT);
  if (ignores === 'zero' && Number(value) === 0) return;
  if (annotation.countsProcessors && Number(value) > hostProcessors)
    throw invalid(name, `at most the host's ${hostProcessors} processors`, text);
  const setting: Setting = { value, file: '', where };
  const fullName = `${section}.${key}`;
  if (annotation.appends) setting.value = appended(settings.get(fullName)?.value, value);
  overlay.set(fullName, setting);
  if (excludes !== undefined) setBack(overlay, section, excludes, rule, where);
}

/** For where a VFIO device is plugged in, an empty text means nowhere. */
const portOf = (text: string, key: string): string =>
  text === '' && (key === 'hot_plug_vfio' || key === 'cold_plug_vfio') ? 'no-port' : text;

/** The other way to plug VFIO devices in is off, unless it has an annotation of its own. */
function setBack(overlay: Settings, section: string, key: string, rule: KeyRule, where: () => string): void {
  const name = `${section}.${key}`;
  if (!overlay.has(name)) overlay.set(name, { value: rule.default!, file: '', where });
}

function appended(configured: KeyValue | undefined, added: KeyValue): KeyValue {
  if (Array.isArray(added)) return [...((configured as readonly string[] | undefined) ?? []), ...(added as string[])];
  return `${(configured as string | undefined) ?? ''} ${added as string}`.trim();
}

function requireAllowed(settings: Settings, name: string, path: string, list: string): void {
  const byDefault = sectionKeys('hypervisor.qemu')![list]!.default;
  const patterns = (settings.get(`hypervisor.qemu.${list}`)?.value ?? byDefault) as readonly string[];
  const isAllowed = path === '' || isPlainPath(path);
  if (isAllowed && patterns.some((pattern) => matchesPattern(pattern, path))) return;
  const expected = patterns.length === 0 ? `a path of ${list}, which is empty` : `one of ${patterns.join(', ')}`;
  throw new KataError('permission-denied', `annotation ${name}: expected ${expected}, found ${JSON.stringify(path)}`, {
    hint: `the administrator of this host may add it to ${list} in [hypervisor.qemu]`,
  });
}

function invalid(name: string, expected: string, found: string): KataError {
  return new KataError('invalid-argument', `annotation ${name}: expected ${expected}, found ${JSON.stringify(found)}`, {
    hint: HINT,
  });
}

/** One that was meant is of the same group: `hypervisor.`, `runtime.` or `agent.`. */
function unknown(name: string): string {
  const prefix = name.slice(0, name.indexOf('.', CONFIG_PREFIX.length) + 1);
  const known = [...annotationTable().rules.keys(), ...annotationTable().hashes.keys()].filter((each) =>
    each.startsWith(prefix),
  );
  const meant = nearest(
    name.slice(prefix.length),
    known.map((each) => each.slice(prefix.length)),
  );
  return `unknown annotation ${name} is ignored${meant === undefined ? '' : `; did you mean ${prefix}${meant}?`}`;
}
