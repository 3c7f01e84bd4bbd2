/** Which modules a module needs: file by file, as `modules.dep` lists them (depmod(8)). */
export class ModuleDependencies {
  readonly #files = new Map<string, string>();
  readonly #needs = new Map<string, string[]>();

  /** Reads the lines `name.ko: dep1.ko dep2.ko`; paths are relative to the folder of the file. */
  constructor(text: string) {
    for (const line of text.split('\n')) {
      const colon = line.indexOf(':');
      if (colon <= 0) continue;
      const file = line.slice(0, colon).trim();
      this.#files.set(moduleName(file), file);
      this.#needs.set(
        file,
        line
          .slice(colon + 1)
          .split(/\s+/)
          .filter((name) => name !== ''),
      );
    }
  }

  /** The files to load for a module, in their order, itself the last; null for a module that is not listed. */
  loadOrder(name: string): string[] | null {
    const file = this.#files.get(moduleName(name));
    if (file === undefined) return null;
    const order: string[] = [];
    const visit = (current: string, above: readonly string[]): void => {
      if (order.includes(current) || above.includes(current)) return;
      // depmod lists all that a module needs, the deepest last; other makers only what it needs itself. Both are served.
      for (const needed of [...(this.#needs.get(current) ?? [])].reverse()) visit(needed, [...above, current]);
      order.push(current);
    };
    visit(file, []);
    return order;
  }
}

/** The kernel's name of a module: of `kernel/fs/nls-utf8.ko` it is `nls_utf8`. */
export function moduleName(fileOrName: string): string {
  return fileOrName
    .slice(fileOrName.lastIndexOf('/') + 1)
    .replace(/\.ko(\.[a-z0-9]+)?$/, '')
    .replaceAll('-', '_');
}
