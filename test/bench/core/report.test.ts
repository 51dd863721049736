import { expect, test } from 'vitest';
import { judge } from '../../../bench/core/bars.ts';
import type { ComparisonPlan } from '../../../bench/core/comparison.ts';
import { replaceSection } from '../../../bench/core/readme.ts';
import {
  barTable,
  comparisonSection,
  markdownTable,
  numberText,
  resultTable,
} from '../../../bench/core/report.ts';
import { metric, type TurnSample } from '../../../bench/core/sample.ts';

const ours = { contender: 'ours', measure: 'insert', x: 16 };
const plan: ComparisonPlan = {
  name: 'demo',
  title: 'a demonstration',
  contenders: [
    { name: 'ours', title: 'this project', isOurs: true },
    { name: 'theirs', title: 'a peer', isOurs: false },
  ],
  bars: [
    {
      title: 'throughput to the peer',
      subject: {
        kind: 'ratio',
        statistic: metric('throughput'),
        ours,
        theirs: { ...ours, contender: 'theirs' },
      },
      limit: { kind: 'at least', value: 2 },
      unit: '',
    },
    {
      title: 'followers caught up',
      subject: { kind: 'worst', statistic: metric('catchUpMs'), ours },
      limit: { kind: 'at most', value: 1000 },
      unit: 'ms',
    },
  ],
  charts: [],
  table: { x: 'threads', distribution: 'latency', ratioOf: metric('throughput') },
};

const samples: readonly TurnSample[] = [1, 2, 3].flatMap((round) => [
  {
    ...ours,
    round,
    metrics: { throughput: 300 * round },
    distribution: [
      [2, 99],
      [40, 1],
    ],
  },
  {
    ...ours,
    contender: 'theirs',
    round,
    metrics: { throughput: 100 * round },
    distribution: [[7.5, 100]],
  },
]);

test('a row tells medians with their spread, percentiles of all rounds, and ours to it pair by pair', () => {
  expect(resultTable(plan, samples)).toEqual({
    headers: [
      'measure',
      'threads',
      'contender',
      'throughput, /s',
      'latency p50',
      'latency p99',
      'ours to this',
    ],
    rows: [
      ['insert', '16', 'ours', '600 (300 to 900)', '2.00 ms', '2.00 ms', '-'],
      ['insert', '16', 'theirs', '200 (100 to 300)', '7.50 ms', '7.50 ms', '3.00 (3.00 to 3.00)'],
    ],
  });
});

test('bars say what is asked, what was measured and whether that is enough', () => {
  expect(barTable(judge(plan.bars, samples)).rows).toEqual([
    ['throughput to the peer', '≥ 2', '3.00', 'met'],
    ['followers caught up', '≤ 1000 ms', '-', 'not measured'],
  ]);
});

test('a section in Markdown has its contenders, bars, numbers, notes and charts', () => {
  const text = comparisonSection({
    plan,
    samples,
    verdicts: judge(plan.bars, samples),
    charts: [{ fileName: 'demo-speed.svg', title: 'speed', content: '<svg/>' }],
    settings: { headers: ['setting', 'ours', 'theirs'], rows: [['a_setting', '1', '2']] },
    notes: ['the machine was busy'],
    chartFolder: 'results/',
  });

  expect(text).toContain('### demo: a demonstration');
  expect(text).toContain('- `theirs`: a peer');
  expect(text).toContain('| throughput to the peer | ≥ 2 | 3.00 | met |');
  expect(text).toContain('| a_setting | 1 | 2 |');
  expect(text).toContain('- the machine was busy');
  expect(text).toContain('![speed](results/demo-speed.svg)');
});

test('a bar in a cell does not end it', () => {
  expect(markdownTable({ headers: ['a'], rows: [['x|y']] })).toBe('| a |\n|---|\n| x\\|y |');
});

test.each([
  [0.5, '0.50'],
  [12.345, '12.3'],
  [1234.5, '1235'],
  [Number.NaN, '-'],
])('%d is written %s', (value, expected) => {
  expect(numberText(value)).toBe(expected);
});

test('a section of a page is replaced between its markers, and the rest is kept', () => {
  const page = 'before\n<!-- bars -->\nold\n<!-- /bars -->\nbehind';

  expect(replaceSection(page, 'bars', 'new')).toBe(
    'before\n<!-- bars -->\n\nnew\n\n<!-- /bars -->\nbehind',
  );
  expect(replaceSection(page, 'other', 'new')).toBe(page);
});
