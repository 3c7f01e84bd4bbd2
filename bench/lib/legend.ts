import { type Box, colourOf, label, rectangle, widthOf } from './svg.ts';

export const LEGEND_LINE = 20;

/** How many lines a legend of this width takes. */
export const legendLines = (names: readonly string[], width: number): number =>
  Math.max(0, ...placed(names, width).map(({ row }) => row + 1));

/** Where each name goes, line after line. */
function placed(names: readonly string[], width: number): { x: number; row: number }[] {
  let [x, row] = [0, 0];
  return names.map((name) => {
    const needed = 18 + widthOf(name) + 12;
    if (x > 0 && x + needed > width) [x, row] = [0, row + 1];
    const place = { x, row };
    x += needed;
    return place;
  });
}

/** A square of each colour with its name, from left to right, in as many lines as it takes. */
export function legend(names: readonly string[], box: Pick<Box, 'x' | 'y' | 'width'>): string {
  return placed(names, box.width)
    .map(({ x, row }, index) => {
      const y = box.y + row * LEGEND_LINE;
      const square = rectangle({ x: box.x + x, y, width: 12, height: 12 }, colourOf(index));
      return `${square}\n${label(box.x + x + 18, y + 11, names[index]!)}`;
    })
    .join('\n');
}
