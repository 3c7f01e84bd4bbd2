import assert from 'node:assert/strict';
import { test } from 'node:test';
import { barPlot, withShortOnesLarger } from '../../bench/lib/bar-plot.ts';
import { legendLines } from '../../bench/lib/legend.ts';
import { linePlot } from '../../bench/lib/line-plot.ts';
import { label, picture } from '../../bench/lib/svg.ts';
import { ticks } from '../../bench/lib/ticks.ts';

test('an axis has round steps and reaches the greatest value', () => {
  assert.deepEqual(ticks(20), [0, 5, 10, 15, 20]);
  assert.deepEqual(ticks(2109), [0, 500, 1000, 1500, 2000, 2500]);
  assert.deepEqual(ticks(0.3), [0, 0.1, 0.2, 0.3]);
  assert.deepEqual(ticks(0), [0, 1]);
});

test('what a text says is no markup', () => {
  assert.match(label(0, 0, 'a < b & c'), />a &lt; b &amp; c</);
});

test('a plot has a line for each series, and no point where nothing was measured', () => {
  const series = [
    {
      name: 'one',
      points: [
        [1, 10],
        [2, 20],
      ] as const,
    },
    {
      name: 'other',
      points: [
        [1, Number.NaN],
        [2, 5],
      ] as const,
    },
  ];
  const box = { x: 0, y: 0, width: 400, height: 300 };
  const plot = picture('t', 400, 300, [linePlot({ title: 't', xTitle: 'x', yTitle: 'y', series }, box)]);
  assert.equal(plot.match(/<polyline /g)?.length, 2);
  assert.equal(plot.match(/<circle /g)?.length, 3);
  assert.doesNotMatch(plot, /NaN/);
});

test('the same step has the same colour in every bar', () => {
  const segments = [
    { name: 'boot', length: 100 },
    { name: 'run', length: 50 },
  ];
  const bars = [
    { name: 'cold', segments },
    { name: 'warm', segments: segments.slice(1) },
  ];
  const colours = [...barPlot({ title: 't', unit: 'ms', groups: [bars] }, 600).matchAll(/height="30" fill="(#\w+)"/g)];
  assert.equal(colours.length, 3);
  assert.equal(colours[1]![1], colours[2]![1]);
});

test('a legend takes a further line when the names do not fit', () => {
  assert.equal(legendLines(['kata-ts', 'runc'], 400), 1);
  assert.equal(legendLines(['kata-ts', 'runc'], 100), 2);
});

test('bars that are short beside the longest are drawn once more, larger', () => {
  const bar = (name: string, length: number) => ({ name, segments: [{ name: 'boot', length }] });
  const [cold, template] = [bar('cold', 2000), bar('template', 400)];
  assert.deepEqual(withShortOnesLarger([cold, template]), [[cold, template], [template]]);
  assert.deepEqual(withShortOnesLarger([cold]), [[cold]]);
});
