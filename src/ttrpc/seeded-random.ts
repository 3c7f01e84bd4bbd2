/**
 * Numbers that look random and are the same in every run (xorshift32), for tests that throw garbage at a parser.
 * @returns a function: an integer from 0 to below its argument
 */
export function seededRandom(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}
