import { KataError } from '../errors/kata-error.ts';
import { applyAnnotations } from './annotations/apply-annotations.ts';
import { checkEnabled } from './annotations/enabled.ts';
import type { WantedHash } from './annotations/hashes.ts';
import type { Config } from './config.ts';
import { notActedOn } from './not-acted.ts';
import { joinPath } from './paths.ts';
import { readConfigFile, type Settings } from './read-file.ts';
import { refuseUnserved } from './refuse-unserved.ts';
import { toConfig } from './to-config.ts';

export interface LoadOptions {
  /** `--config`, or ConfigPath of the task's options. */
  explicitPath?: string | undefined;
  env: Readonly<Record<string, string | undefined>>;
  /** The running binary, symlinks resolved (`readlink /proc/self/exe`). */
  binaryPath: string;
  /** A file's text; null when there is no such file. */
  readText(path: string): string | null;
  /** The names in a folder; null when there is no such folder. */
  listDirectory(path: string): readonly string[] | null;
  /** The sandbox's, which may ask for other values; none for what is no sandbox's. */
  annotations?: Readonly<Record<string, string>> | undefined;
  /** How many processors the host has: the most that an annotation may ask for. */
  hostProcessors?: number;
}

export interface LoadedConfig {
  config: Config;
  /** The files that were read, the main one first. */
  sources: string[];
  /** One line each: unknown keys and annotations, and those that are not acted on yet. */
  warnings: string[];
  /** What the annotations demand of the files that the configuration names. */
  hashes: readonly WantedHash[];
  /** Every setting as it was read, for whoever shows more than `config` has. */
  settings: Settings;
}

const SYSTEM_PATH = '/etc/kata-containers/configuration.toml';

/**
 * Finds, reads and checks the configuration: the path given, else `KATA_CONF_FILE`, else /etc/kata-containers, else the
 * file that is shipped beside the binary; then `config.d/*.toml` beside it, in lexical order, each stronger than the one
 * before; then the sandbox's annotations, as far as the files allow. Throws `not-found` with every place looked at,
 * `invalid-argument` with file and line, `permission-denied` for an annotation that is not allowed, and `unimplemented`
 * for what cannot be served.
 *
 * Unlike Kata: `KATA_CONF_FILE` may name any file.
 */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const main = findMain(options);
  const files = [main, ...dropIns(main.path, options)];
  const settings: Settings = new Map();
  const sections: string[] = [];
  const warnings: string[] = [];
  for (const { path, text } of files) {
    const read = readConfigFile(text, path);
    for (const [name, setting] of read.settings) settings.set(name, setting);
    sections.push(...read.sections);
    warnings.push(...read.warnings);
  }
  checkEnabled(settings);
  const annotated = applyAnnotations(settings, options.annotations ?? {}, options.hostProcessors ?? 1);
  refuseUnserved(settings);
  const config = toConfig(settings, sections, main.path);
  return {
    config,
    sources: files.map(({ path }) => path),
    warnings: [...warnings, ...annotated.warnings, ...notActedOn(settings)],
    hashes: annotated.hashes,
    settings,
  };
}

/** Where the main file is looked for when none is named, first one first. */
export function defaultConfigPaths(binaryPath: string): string[] {
  return [SYSTEM_PATH, joinPath(binaryPath, '../../share/defaults/kata-containers/configuration.toml')];
}

interface SourceFile {
  path: string;
  text: string;
}

function findMain({ explicitPath, env, binaryPath, readText }: LoadOptions): SourceFile {
  const named = [
    ['the configuration asked for', explicitPath],
    ['the configuration named by KATA_CONF_FILE', env.KATA_CONF_FILE],
  ] as const;
  for (const [what, path] of named) {
    if (path === undefined || path === '') continue;
    const text = readText(path);
    if (text !== null) return { path, text };
    throw new KataError('not-found', `${what}: expected a file, found none at ${path}`, { hint: 'correct the path' });
  }
  const paths = defaultConfigPaths(binaryPath);
  for (const path of paths) {
    const text = readText(path);
    if (text !== null) return { path, text };
  }
  throw new KataError('not-found', `configuration.toml: expected it in one of ${paths.join(', ')}, found none`, {
    hint: 'name one by --config or KATA_CONF_FILE, or install the one that is shipped',
  });
}

function dropIns(mainPath: string, { readText, listDirectory }: LoadOptions): SourceFile[] {
  const folder = joinPath(mainPath, '../config.d');
  const names = (listDirectory(folder) ?? []).filter((name) => name.endsWith('.toml') && !name.startsWith('.'));
  return names.sort().flatMap((name) => {
    const path = `${folder}/${name}`;
    const text = readText(path);
    return text === null ? [] : [{ path, text }];
  });
}
