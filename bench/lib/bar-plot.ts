import { LEGEND_LINE, legend, legendLines } from './legend.ts';
import { colourOf, FAINT, inkOn, label, line, picture, rectangle, widthOf } from './svg.ts';
import { ticks } from './ticks.ts';

/** A bar in parts, one behind the other. */
export interface Bar {
  name: string;
  segments: readonly { name: string; length: number }[];
}

/**
 * Bars from left to right on one axis, a colour for each name of a segment. A segment's length stands in it where there is
 * room; the whole one's behind the bar.
 */
export function barPlot(
  { title, unit, bars }: { title: string; unit: string; bars: readonly Bar[] },
  width: number,
): string {
  const [barHeight, gap, edge] = [30, 16, 16];
  const names = inOrder(bars.map(({ segments }) => segments.map(({ name }) => name)));
  const total = ({ segments }: Bar): number => segments.reduce((sum, { length }) => sum + length, 0);
  const xTicks = ticks(Math.max(0, ...bars.map(total)), 8);
  const left = edge + Math.max(...bars.map(({ name }) => widthOf(name))) + 8;
  const right = edge + widthOf(`${Math.round(xTicks.at(-1)!)} ${unit}`);
  const at = (value: number): number => left + (value / xTicks.at(-1)!) * (width - left - right);
  const legendWidth = width - 2 * edge;
  const top = 34 + legendLines(names, legendWidth) * LEGEND_LINE + 14;
  const bottom = top + bars.length * (barHeight + gap);
  const parts = [label(edge, 22, title, { bold: true }), legend(names, { x: edge, y: 36, width: legendWidth })];
  for (const tick of xTicks) {
    parts.push(line(at(tick), top - 6, at(tick), bottom + 5, FAINT));
    parts.push(label(at(tick), bottom + 20, String(tick), { anchor: 'middle' }));
  }
  for (const [row, bar] of bars.entries()) {
    const y = top + row * (barHeight + gap);
    parts.push(label(left - 8, y + barHeight / 2 + 5, bar.name, { anchor: 'end' }));
    let from = 0;
    for (const { name, length } of bar.segments) {
      const [x, barWidth] = [at(from), at(from + length) - at(from)];
      const colour = colourOf(names.indexOf(name));
      parts.push(rectangle({ x, y, width: barWidth, height: barHeight }, colour));
      const told = String(Math.round(length));
      if (widthOf(told) + 4 <= barWidth)
        parts.push(label(x + barWidth / 2, y + barHeight / 2 + 5, told, { anchor: 'middle', fill: inkOn(colour) }));
      from += length;
    }
    parts.push(label(at(from) + 6, y + barHeight / 2 + 5, `${Math.round(from)} ${unit}`));
  }
  parts.push(label(at(xTicks.at(-1)!) + 6 + widthOf(String(xTicks.at(-1))) / 2, bottom + 20, unit));
  return picture(title, width, bottom + 36, parts);
}

/** All names once, each behind what it follows where it is met first. */
function inOrder(lists: readonly (readonly string[])[]): string[] {
  const all: string[] = [];
  for (const list of lists)
    for (const [index, name] of list.entries())
      if (!all.includes(name)) all.splice(all.indexOf(list[index - 1] ?? '') + 1, 0, name);
  return all;
}
