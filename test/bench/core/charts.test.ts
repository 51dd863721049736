import { expect, test } from 'vitest';
import { renderCharts } from '../../../bench/core/charts.ts';
import type { ComparisonPlan } from '../../../bench/core/comparison.ts';
import { metric, type TurnSample } from '../../../bench/core/sample.ts';
import { svg } from '../../../bench/core/svg.ts';

const plan: ComparisonPlan = {
  name: 'demo',
  title: 'a demonstration',
  contenders: [
    { name: 'ours', title: 'ours', isOurs: true },
    { name: 'a<b>&"c"', title: 'theirs', isOurs: false },
    { name: 'absent', title: 'did not run', isOurs: false },
  ],
  bars: [],
  charts: [
    { kind: 'throughput', name: 'speed', title: 'speed', measure: 'insert' },
    {
      kind: 'distribution',
      name: 'latency',
      title: 'latency',
      curves: [{ measure: 'insert', x: 16 }],
    },
    { kind: 'throughput', name: 'never', title: 'never measured', measure: 'select' },
  ],
  table: { x: 'threads', distribution: 'latency', ratioOf: metric('throughput') },
};

const samples: readonly TurnSample[] = ['ours', 'a<b>&"c"'].flatMap((contender, index) =>
  [1, 16].flatMap((x) =>
    [1, 2].map((round) => ({
      contender,
      round,
      measure: 'insert',
      x,
      metrics: { throughput: 100 * x + 50 * index + round },
      distribution: [
        [x / 8, 5],
        [x, 5],
      ] as const,
    })),
  ),
);

test('a chart has a curve and a legend for each contender that ran, and none for others', () => {
  const [speed] = renderCharts(plan, samples);

  expect(speed?.fileName).toBe('demo-speed.svg');
  expect(speed?.content.match(/<path /g)).toHaveLength(2);
  // Two dots for each of two contenders.
  expect(speed?.content.match(/<circle /g)).toHaveLength(4);
  expect(speed?.content).toContain('>ours</text>');
  expect(speed?.content).not.toContain('absent');
});

test('charts of what was not measured are left out', () => {
  expect(renderCharts(plan, samples).map(({ fileName }) => fileName)).toEqual([
    'demo-speed.svg',
    'demo-latency.svg',
  ]);
  expect(renderCharts(plan, [])).toEqual([]);
});

test('more throughput is drawn higher, and more threads further right', () => {
  const [speed] = renderCharts(plan, samples);
  const dots = [...(speed?.content ?? '').matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(
    ([, x, y]) => [Number(x), Number(y)] as const,
  );
  const [few = [0, 0], many = [0, 0]] = dots;

  expect(many[0]).toBeGreaterThan(few[0]);
  expect(many[1]).toBeLessThan(few[1]);
});

test('every number in a chart is finite, and every name is escaped', () => {
  for (const { content } of renderCharts(plan, samples)) {
    expect(content).not.toMatch(/NaN|Infinity|undefined/);
    expect(content).toContain('a&lt;b&gt;&amp;&quot;c&quot;');
  }
});

test('markup is nested, and attributes are escaped', () => {
  const { markup } = svg('g', { id: 'a"b' }, [svg('rect', { x: 1.234 }), svg('text', {}, '<')]);

  expect(markup).toBe('<g id="a&quot;b">\n<rect x="1.2"/>\n<text>&lt;</text>\n</g>');
});
