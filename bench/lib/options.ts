import path from 'node:path';
import { calm, describeMachine } from './machine.ts';

/** How a measurement is made. */
export interface BenchOptions {
  /** How many times each is measured. */
  rounds: number;
  /** What is measured, taking turns: folders like `dist`. */
  dists: string[];
  /** Each measurement waits until the machine has little else to do. */
  calm: boolean;
}

/**
 * Reads `--rounds N`, `--dist FOLDER` (once for each of those to be compared; default: dist) and `--calm` (before
 * each measurement, wait until the machine has little else to do), and prints the machine. `own` are options of this
 * measurement alone, by name without the dashes, with what they are when not given.
 */
export async function benchOptions<Own extends Record<string, number | string>>(
  defaultRounds: number,
  own: Own = {} as Own,
): Promise<BenchOptions & { own: Own }> {
  const options = { rounds: defaultRounds, dists: [] as string[], calm: false, own: { ...own } };
  const given: Record<string, number | string> = options.own;
  const words = process.argv.slice(2);
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '--calm') options.calm = true;
    else if (word === '--rounds') options.rounds = Number(words.shift());
    else if (word === '--dist') options.dists.push(path.resolve(words.shift() ?? ''));
    else if (word.startsWith('--') && Object.hasOwn(own, word.slice(2))) {
      const value = words.shift() ?? '';
      given[word.slice(2)] = typeof own[word.slice(2)] === 'number' ? aNumber(word, value) : value;
    } else {
      const more = Object.keys(own).map((name) => `--${name} VALUE, `);
      throw new Error(`--rounds N, --dist FOLDER, ${more.join('')}or --calm is expected, found ${word}`);
    }
  }
  if (!(options.rounds > 0)) throw new Error('--rounds is expected to be followed by a number above 0');
  if (options.dists.length === 0) options.dists.push(path.resolve('dist'));
  console.log(describeMachine());
  return options;
}

function aNumber(option: string, value: string): number {
  if (/^\d+$/.test(value)) return Number(value);
  throw new Error(`${option} is expected to be followed by a number, found "${value}"`);
}

/** Every one in turn, round after round, so that the machine's noise meets all alike. */
export async function inTurns<T>(
  { rounds, dists, calm: waits }: BenchOptions,
  measure: (dist: string, round: number) => Promise<T>,
): Promise<Map<string, T[]>> {
  const results = new Map<string, T[]>(dists.map((dist) => [dist, []]));
  for (let round = 0; round < rounds; round++)
    for (const dist of dists) {
      if (waits) await calm();
      results.get(dist)!.push(await measure(dist, round));
    }
  return results;
}
