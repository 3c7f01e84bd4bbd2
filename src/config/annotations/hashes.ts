import { KataError } from '../../errors/kata-error.ts';
import { annotationTable } from './annotation-table.ts';
import { HASH_TYPES } from './names.ts';

/** What an annotation demands of a file: the SHA-512 in lower-case hexadecimal digits. */
export interface WantedHash {
  /** The annotation, for a message. */
  annotation: string;
  /** The key whose file it is. */
  asset: 'path' | 'kernel' | 'initrd';
  sha512: string;
}

/** The hashes that a sandbox's annotations demand; `unused` has a line for each that is of a file that no VM here has. */
export function hashDemands(annotations: Readonly<Record<string, string>>): { hashes: WantedHash[]; unused: string[] } {
  const hashes: WantedHash[] = [];
  const unused: string[] = [];
  for (const [name, text] of Object.entries(annotations)) {
    if (HASH_TYPES.includes(name) && text.toLowerCase() !== 'sha512')
      throw new KataError('invalid-argument', `annotation ${name}: expected sha512, found ${JSON.stringify(text)}`);
    const asset = annotationTable().hashes.get(name);
    if (asset === undefined || text === '') continue;
    if (!/^[0-9a-fA-F]{128}$/.test(text))
      throw new KataError(
        'invalid-argument',
        `annotation ${name}: expected a SHA-512 of 128 hexadecimal digits, found ${JSON.stringify(text.slice(0, 140))}`,
      );
    if (asset === null) unused.push(`annotation ${name} has no effect: no VM here uses that file`);
    else hashes.push({ annotation: name, asset, sha512: text.toLowerCase() });
  }
  return { hashes, unused };
}
