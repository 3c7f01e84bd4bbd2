import { legend } from './legend.ts';
import { type Box, colourOf, escaped, FAINT, INK, label, line, round, widthOf } from './svg.ts';
import { ticks } from './ticks.ts';

/** A line of a plot; points without a value are left out. */
export interface Series {
  name: string;
  points: readonly (readonly [x: number, y: number])[];
}

export interface LinePlot {
  title: string;
  xTitle: string;
  yTitle: string;
  series: readonly Series[];
}

/** Lines over axes that begin at 0, with a legend below the title. */
export function linePlot({ title, xTitle, yTitle, series }: LinePlot, box: Box): string {
  const points = series.flatMap((each) => each.points).filter(([, y]) => Number.isFinite(y));
  const xTicks = ticks(Math.max(0, ...points.map(([x]) => x)));
  const yTicks = ticks(Math.max(0, ...points.map(([, y]) => y)));
  const margin = { left: 26 + widthOf(String(yTicks.at(-1))), right: 16, top: 58, bottom: 46 };
  const inner = {
    x: box.x + margin.left,
    y: box.y + margin.top,
    width: box.width - margin.left - margin.right,
    height: box.height - margin.top - margin.bottom,
  };
  const atX = (x: number): number => inner.x + (x / xTicks.at(-1)!) * inner.width;
  const atY = (y: number): number => inner.y + inner.height - (y / yTicks.at(-1)!) * inner.height;
  const bottom = inner.y + inner.height;
  const parts = [label(box.x + margin.left, box.y + 18, title, { bold: true })];
  for (const tick of yTicks) {
    parts.push(line(inner.x, atY(tick), inner.x + inner.width, atY(tick), FAINT));
    parts.push(label(inner.x - 6, atY(tick) + 4, String(tick), { anchor: 'end' }));
  }
  for (const tick of xTicks) {
    parts.push(line(atX(tick), bottom, atX(tick), bottom + 5, INK));
    parts.push(label(atX(tick), bottom + 19, String(tick), { anchor: 'middle' }));
  }
  parts.push(line(inner.x, inner.y, inner.x, bottom, INK), line(inner.x, bottom, inner.x + inner.width, bottom, INK));
  parts.push(label(inner.x + inner.width / 2, bottom + 38, xTitle, { anchor: 'middle' }));
  const [titleX, titleY] = [round(box.x + 12), round(inner.y + inner.height / 2)];
  parts.push(
    `<text transform="translate(${titleX} ${titleY}) rotate(-90)" text-anchor="middle">${escaped(yTitle)}</text>`,
  );
  for (const [index, { points: own }] of series.entries()) {
    const known = own.filter(([, y]) => Number.isFinite(y));
    const path = known.map(([x, y]) => `${round(atX(x))},${round(atY(y))}`);
    parts.push(`<polyline points="${path.join(' ')}" fill="none" stroke="${colourOf(index)}" stroke-width="2"/>`);
    for (const [x, y] of known)
      parts.push(`<circle cx="${round(atX(x))}" cy="${round(atY(y))}" r="3" fill="${colourOf(index)}"/>`);
  }
  return [
    ...parts,
    legend(
      series.map(({ name }) => name),
      { ...inner, y: box.y + 28 },
    ),
  ].join('\n');
}
