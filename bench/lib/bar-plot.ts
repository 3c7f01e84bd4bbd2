import { LEGEND_LINE, legend, legendLines } from './legend.ts';
import { colourOf, FAINT, inkOn, label, line, picture, rectangle, widthOf } from './svg.ts';
import { ticks } from './ticks.ts';

/** A bar in parts, one behind the other. */
export interface Bar {
  name: string;
  segments: readonly { name: string; length: number }[];
}

const BAR_HEIGHT = 30;
const GAP = 16;
const EDGE = 16;
/** Below the bars: the axis's numbers. */
const AXIS_HEIGHT = 46;

const totalOf = ({ segments }: Bar): number => segments.reduce((sum, { length }) => sum + length, 0);

/**
 * Bars from left to right, a colour for each name of a segment. A segment's length stands in it where there is room, the
 * whole one's behind the bar. Each group has an axis of its own, so that short bars are readable beside long ones.
 */
export function barPlot(
  { title, unit, groups }: { title: string; unit: string; groups: readonly (readonly Bar[])[] },
  width: number,
): string {
  const bars = groups.flat();
  const names = inOrder(bars.map(({ segments }) => segments.map(({ name }) => name)));
  const legendWidth = width - 2 * EDGE;
  const parts = [label(EDGE, 22, title, { bold: true }), legend(names, { x: EDGE, y: 36, width: legendWidth })];
  const left = EDGE + Math.max(...bars.map(({ name }) => widthOf(name))) + 8;
  let y = 34 + legendLines(names, legendWidth) * LEGEND_LINE + 14;
  for (const group of groups) {
    parts.push(barGroup(group, names, unit, { left, y, width }));
    y += group.length * (BAR_HEIGHT + GAP) + AXIS_HEIGHT;
  }
  return picture(title, width, y - 10, parts);
}

/** Bars on one axis, from `y` downwards. */
function barGroup(
  bars: readonly Bar[],
  names: readonly string[],
  unit: string,
  { left, y: top, width }: { left: number; y: number; width: number },
): string {
  const axis = ticks(Math.max(0, ...bars.map(totalOf)), 8);
  const end = axis.at(-1)!;
  const right = EDGE + widthOf(`${Math.round(end)} ${unit}`);
  const at = (value: number): number => left + (value / end) * (width - left - right);
  const bottom = top + bars.length * (BAR_HEIGHT + GAP);
  const parts: string[] = [];
  for (const tick of axis) {
    parts.push(line(at(tick), top - 6, at(tick), bottom + 5, FAINT));
    parts.push(label(at(tick), bottom + 20, String(tick), { anchor: 'middle' }));
  }
  parts.push(label(at(end) + 6 + widthOf(String(end)) / 2, bottom + 20, unit));
  for (const [row, bar] of bars.entries()) {
    const y = top + row * (BAR_HEIGHT + GAP);
    const baseLine = y + BAR_HEIGHT / 2 + 5;
    parts.push(label(left - 8, baseLine, bar.name, { anchor: 'end' }));
    let from = 0;
    for (const { name, length } of bar.segments) {
      const [x, barWidth] = [at(from), at(from + length) - at(from)];
      const colour = colourOf(names.indexOf(name));
      parts.push(rectangle({ x, y, width: barWidth, height: BAR_HEIGHT }, colour));
      const told = String(Math.round(length));
      if (widthOf(told) + 4 <= barWidth)
        parts.push(label(x + barWidth / 2, baseLine, told, { anchor: 'middle', fill: inkOn(colour) }));
      from += length;
    }
    parts.push(label(at(from) + 6, baseLine, `${Math.round(from)} ${unit}`));
  }
  return parts.join('\n');
}

/** The bars together, and those that are short beside the longest once more by themselves, larger. */
export function withShortOnesLarger(bars: readonly Bar[]): Bar[][] {
  const longest = Math.max(...bars.map(totalOf));
  const short = bars.filter((bar) => totalOf(bar) < longest / 3);
  return short.length === 0 ? [[...bars]] : [[...bars], short];
}

/** All names once, each behind what it follows where it is met first. */
function inOrder(lists: readonly (readonly string[])[]): string[] {
  const all: string[] = [];
  for (const list of lists)
    for (const [index, name] of list.entries())
      if (!all.includes(name)) all.splice(all.indexOf(list[index - 1] ?? '') + 1, 0, name);
  return all;
}
