import { KataError } from '../../errors/kata-error.ts';

const LEFT =
  'able amber bold brave bright calm clear cool crisp deep eager early fair fast fine firm fond free glad gold green keen kind late light lucid mild neat noble plain quick quiet rapid ready sharp silver smart solid spry steady still sunny swift tidy true vivid warm wise';
const RIGHT =
  'acorn alder anchor apple arrow ash aspen badger basin beacon birch bridge brook canyon cedar cliff cloud comet coral crane creek dune eagle ember falcon fern fjord glade harbor hazel heron island jasper kestrel lake larch lark linden lynx maple meadow oak orchard otter pine raven reef river robin stone';

/** Checks a name that a person chose (docker's rule). */
export function parseContainerName(text: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(text)) return text;
  throw new KataError('invalid-argument', `a container's name is expected, found ${JSON.stringify(text)}`, {
    hint: 'use two or more of a-z, A-Z, 0-9, _ . and -, the first a letter or digit',
  });
}

/** A name for a container that was given none, by two numbers in [0, 1). */
export function randomName(one: number, other: number): string {
  const pick = (words: string, at: number): string => {
    const list = words.split(' ');
    return list[Math.floor(at * list.length)]!;
  };
  return `${pick(LEFT, one)}_${pick(RIGHT, other)}`;
}
