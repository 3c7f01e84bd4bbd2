/** The modules that answer to other names, from the lines `alias <pattern> <module>` of `modules.alias`. */
export class ModuleAliases {
  readonly #lines: readonly string[];

  constructor(text: string) {
    this.#lines = text.split('\n');
  }

  /** The modules of a name that the kernel asks for: `fs-ext4`, `net-pf-40`, `pci:v00001AF4d00001000sv…`. */
  modulesOf(name: string): string[] {
    const found: string[] = [];
    for (const line of this.#lines) {
      const [keyword, pattern, module] = line.split(' ');
      if (keyword === 'alias' && pattern !== undefined && module !== undefined && matches(pattern, name))
        found.push(module);
    }
    return found;
  }
}

/** Whether a pattern of fnmatch(3) means `name`. Dashes and underscores are one, as for modprobe(8). */
function matches(pattern: string, name: string): boolean {
  // Most patterns name hardware; the first characters rule them out without a regular expression.
  if (!/[*?[]/.test(pattern)) return canonical(pattern) === canonical(name);
  const literal = canonical(pattern.slice(0, pattern.search(/[*?[]/)));
  if (!canonical(name).startsWith(literal)) return false;
  const source = canonical(pattern)
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`).test(canonical(name));
}

function canonical(text: string): string {
  return text.replaceAll('-', '_');
}
