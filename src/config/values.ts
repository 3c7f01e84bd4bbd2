import type { KeyValue } from './keys/rule.ts';
import { sectionKeys } from './keys/sections.ts';
import { joinPath } from './paths.ts';
import type { Settings } from './read-file.ts';

/** The keys of one section as they hold: what the files set, else the default. */
export class SectionValues {
  readonly #settings: Settings;
  readonly #section: string;

  constructor(settings: Settings, section: string) {
    this.#settings = settings;
    this.#section = section;
  }

  isSet(key: string): boolean {
    return this.#settings.has(`${this.#section}.${key}`);
  }

  /** `file:line` of a key that is set. */
  where(key: string): string {
    return this.#settings.get(`${this.#section}.${key}`)!.where();
  }

  text(key: string): string {
    return this.#value(key) as string;
  }

  /** One of the words that are acted on: any other was warned of, and the default holds. */
  served<Word extends string>(key: string): Word {
    const value = this.text(key);
    const rule = sectionKeys(this.#section)![key]!;
    return (rule.served === undefined || rule.served.includes(value) ? value : rule.default) as Word;
  }

  flag(key: string): boolean {
    return this.#value(key) as boolean;
  }

  number(key: string): number {
    return Number(this.#value(key));
  }

  strings(key: string): readonly string[] {
    return this.#value(key) as readonly string[];
  }

  /**
   * A path. Unlike Kata: a relative one belongs to the folder of the file that sets it, so that an installation can be
   * moved as a whole. A bare name stays when `bareNames` says that it will be looked up.
   */
  path(key: string, { bareNames = false } = {}): string {
    const path = this.text(key);
    const setting = this.#settings.get(`${this.#section}.${key}`);
    if (setting === undefined || path === '' || path.startsWith('/') || (bareNames && !path.includes('/'))) return path;
    return joinPath(setting.file, '..', path);
  }

  #value(key: string): KeyValue {
    const setting = this.#settings.get(`${this.#section}.${key}`);
    const value = setting === undefined ? sectionKeys(this.#section)?.[key]?.default : setting.value;
    if (value === undefined) throw new TypeError(`${this.#section}.${key} has neither a value nor a default`);
    return value;
  }
}
