/** What a command's definition says about its flags: just enough to tell a flag's value from the next word. */
export interface FlagShapes {
  flags?: Readonly<Record<string, { kind: string }>>;
  /** One letter to the flag's name. */
  aliases?: Readonly<Record<string, string>>;
}

const camelCase = (name: string): string => name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());

/**
 * The words of a command that runs another one, with `--` put in front of the first that is neither a flag nor a flag's
 * value: what follows an image belongs to the container, as with docker. `-it`, `-eA=b` and `--env=A=b` are written out
 * on the way. Words that are no flags of the command stay as they are, for the parser to refuse.
 */
export function endFlagsAtFirstWord(words: readonly string[], shapes: FlagShapes): string[] {
  const takesValue = (name: string): boolean => {
    const kind = shapes.flags?.[camelCase(name)]?.kind ?? 'boolean';
    return kind !== 'boolean' && kind !== 'counter';
  };
  const ordered: string[] = [];
  const rest = [...words];
  const addValue = (name: string, value: string | undefined): void => {
    if (value === undefined) ordered.push(`--${name}`);
    // What looks like a flag is a value only when it is joined to its name.
    else if (value.startsWith('-')) ordered.push(`--${name}=${value}`);
    else ordered.push(`--${name}`, value);
  };
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') return [...ordered, '--', ...rest];
    if (!word.startsWith('-') || word === '-') return [...ordered, '--', word, ...rest];
    const long = /^--([^=]+)(?:=(.*))?$/s.exec(word);
    if (long !== null) {
      const [, name = '', value] = long;
      if (!takesValue(name)) ordered.push(word);
      else addValue(name, value ?? rest.shift());
      continue;
    }
    for (let at = 1; at < word.length; at++) {
      const letter = word[at]!;
      const name = shapes.aliases?.[letter];
      if (name === undefined || !takesValue(name)) {
        ordered.push(`-${letter}`);
        continue;
      }
      const joined = word.slice(at + 1).replace(/^=/, '');
      addValue(name, joined === '' ? rest.shift() : joined);
      break;
    }
  }
  return ordered;
}
