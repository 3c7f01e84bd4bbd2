import { parse, TomlError } from 'smol-toml';
import { KataError } from '../errors/kata-error.ts';
import { checkValue } from './check-value.ts';
import type { KeyValue } from './keys/rule.ts';
import { sectionKeys, sectionNames } from './keys/sections.ts';
import { lineOfKey } from './line-of-key.ts';
import { nearest } from './nearest.ts';

/** A key as one file sets it. */
export interface Setting {
  value: KeyValue;
  file: string;
  /** `file:line`, for a message. Looked for only then. */
  where: () => string;
}

/** Settings by dotted name, `hypervisor.qemu.path`. */
export type Settings = Map<string, Setting>;

export interface ReadFile {
  settings: Settings;
  /** The sections that the file has, dotted. */
  sections: string[];
  warnings: string[];
}

/**
 * What one file of configuration sets, each key checked. Unknown names are warnings, a file that is not TOML or a value
 * that a key cannot hold is an `invalid-argument` that names file and line.
 */
export function readConfigFile(toml: string, file: string): ReadFile {
  const result: ReadFile = { settings: new Map(), sections: [], warnings: [] };
  descend(parseToml(toml, file), '', toml, file, result);
  return result;
}

function parseToml(toml: string, file: string): object {
  try {
    return parse(toml, { integersAsBigInt: 'asNeeded', unsafeKeyBehaviour: 'drop' });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = error.message.split('\n')[0]!.replace(/^Invalid TOML document: /, '');
    throw new KataError('invalid-argument', `${file}:${error.line}:${error.column}: expected TOML, found: ${reason}`, {
      hint: 'correct this line; strings need quotes, lists need brackets',
      cause: error,
    });
  }
}

function descend(table: object, section: string, toml: string, file: string, result: ReadFile): void {
  const keys = sectionKeys(section);
  const entries = Object.entries(table) as [string, unknown][];
  for (const [key, value] of entries) {
    const name = section === '' ? key : `${section}.${key}`;
    const where = () => position(toml, section, key, file);
    const rule = keys !== undefined && Object.hasOwn(keys, key) ? keys[key] : undefined;
    if (rule !== undefined) {
      const checked = checkValue(rule, value, () => `${where()}: ${key} in [${section}]`);
      result.settings.set(name, { value: checked, file, where });
    } else if (isTable(value) && isWorthDescending(name)) {
      if (sectionKeys(name) !== undefined) result.sections.push(name);
      descend(value, name, toml, file, result);
    } else result.warnings.push(`${where()}: ${unknown(key, value, section, keys, name)}`);
  }
}

function position(toml: string, section: string, key: string, file: string): string {
  const line = lineOfKey(toml, section, key);
  return line === undefined ? file : `${file}:${line}`;
}

/** Known sections, and those that lead to one: `agent`. */
function isWorthDescending(name: string): boolean {
  return sectionNames().some((known) => known === name || known.startsWith(`${name}.`));
}

function unknown(key: string, value: unknown, section: string, keys: object | undefined, name: string): string {
  if (isTable(value)) {
    const meant = nearest(name, sectionNames());
    return `unknown section [${name}] is ignored${meant === undefined ? '' : `; did you mean [${meant}]?`}`;
  }
  const meant = nearest(key, Object.keys(keys ?? {}));
  const where = section === '' ? 'outside of any section' : `in [${section}]`;
  return `unknown key ${key} ${where} is ignored${meant === undefined ? '' : `; did you mean ${meant}?`}`;
}

function isTable(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
