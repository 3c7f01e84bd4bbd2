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
 * each measurement, wait until the machine has little else to do), and prints the machine.
 */
export async function benchOptions(defaultRounds: number): Promise<BenchOptions> {
  const options: BenchOptions = { rounds: defaultRounds, dists: [], calm: false };
  const words = process.argv.slice(2);
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '--calm') options.calm = true;
    else if (word === '--rounds') options.rounds = Number(words.shift());
    else if (word === '--dist') options.dists.push(path.resolve(words.shift() ?? ''));
    else throw new Error(`--rounds N, --dist FOLDER or --calm is expected, found ${word}`);
  }
  if (!(options.rounds > 0)) throw new Error('--rounds is expected to be followed by a number above 0');
  if (options.dists.length === 0) options.dists.push(path.resolve('dist'));
  console.log(describeMachine());
  return options;
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
