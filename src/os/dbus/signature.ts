import { KataError } from '../../errors/kata-error.ts';

/** The first complete type of a signature: `s` of `su`, `a{sv}` of `a{sv}i` (D-Bus Specification, Type System). */
export function firstType(signature: string): string {
  return signature.slice(0, endOfType(signature, 0));
}

/** The complete types of a signature: `a(sv)` and `u` of `a(sv)u`. */
export function typesOf(signature: string): string[] {
  const types: string[] = [];
  for (let rest = signature; rest !== ''; rest = rest.slice(types.at(-1)!.length)) types.push(firstType(rest));
  return types;
}

function endOfType(signature: string, at: number): number {
  const letter = signature[at];
  if (letter !== undefined && 'ybnqiuxtdsoghv'.includes(letter)) return at + 1;
  if (letter === 'a') return endOfType(signature, at + 1);
  if (letter === '(' || letter === '{') {
    const close = letter === '(' ? ')' : '}';
    let end = at + 1;
    while (signature[end] !== close) end = endOfType(signature, end);
    return end + 1;
  }
  throw new KataError('invalid-argument', `a D-Bus signature is expected, found ${JSON.stringify(signature)}`);
}

/** Where a value of this type begins: at a multiple of so many bytes. */
export function alignmentOf(type: string): number {
  switch (type[0]) {
    case 'y':
    case 'g':
    case 'v':
      return 1;
    case 'n':
    case 'q':
      return 2;
    case 'x':
    case 't':
    case 'd':
    case '(':
    case '{':
      return 8;
    default:
      return 4;
  }
}
