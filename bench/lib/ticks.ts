/** Round values from 0 that reach `most`: steps of 1, 2 or 5 times a power of ten, about `count` of them. */
export function ticks(most: number, count = 5): number[] {
  if (!(most > 0)) return [0, 1];
  const rough = most / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * power).find((each) => each >= rough * 0.999) ?? rough;
  const upTo = Math.ceil(most / step - 1e-9);
  return Array.from({ length: upTo + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}
