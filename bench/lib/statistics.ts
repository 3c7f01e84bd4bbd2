/** The value below which this part of the numbers lies, 0.5 being the median; interpolated. NaN of no numbers. */
export function quantile(numbers: readonly number[], part: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const [low, high] = [sorted[Math.floor(at)] ?? Number.NaN, sorted[Math.ceil(at)] ?? Number.NaN];
  return low + (high - low) * (at - Math.floor(at));
}

export const median = (numbers: readonly number[]): number => quantile(numbers, 0.5);

/** One line for a series of measurements: `median 12.3 ms  p90 14.0  least 11.9  n 20`. */
export function summary(numbers: readonly number[], unit: string, digits = 1): string {
  const text = (value: number): string => value.toFixed(digits);
  return `median ${text(median(numbers))} ${unit}  p90 ${text(quantile(numbers, 0.9))}  least ${text(Math.min(...numbers))}  n ${numbers.length}`;
}
