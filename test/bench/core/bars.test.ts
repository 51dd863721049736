import { expect, test } from 'vitest';
import { type Bar, type BarSubject, judge } from '../../../bench/core/bars.ts';
import { metric, p50, type TurnSample } from '../../../bench/core/sample.ts';

function sample(contender: string, round: number, parts: Partial<TurnSample>): TurnSample {
  return { contender, round, measure: 'insert', x: 1, metrics: {}, distribution: [], ...parts };
}

function throughput(contender: string, ...values: readonly number[]): readonly TurnSample[] {
  return values.map((value, index) =>
    sample(contender, index + 1, { metrics: { throughput: value } }),
  );
}

const ours = { contender: 'ours', measure: 'insert', x: 1 };
const theirs = { contender: 'theirs', measure: 'insert', x: 1 };

function bar(subject: BarSubject, limit: Bar['limit']): Bar {
  return { title: 'a bar', subject, limit, unit: '' };
}

const ratio: BarSubject = { kind: 'ratio', statistic: metric('throughput'), ours, theirs };

test('a ratio is taken round by round, and its median counts', () => {
  const samples = [...throughput('ours', 100, 300, 400), ...throughput('theirs', 100, 100, 200)];
  const [met, missed] = judge(
    [bar(ratio, { kind: 'at least', value: 2 }), bar(ratio, { kind: 'at least', value: 2.01 })],
    samples,
  );

  expect(met).toMatchObject({
    outcome: 'met',
    value: { median: 2, min: 1, max: 3 },
    count: 3,
  });
  expect(missed).toMatchObject({ outcome: 'missed' });
});

test('a bar whose contender did not run is not measured, and never met', () => {
  const [verdict] = judge(
    [bar(ratio, { kind: 'at most', value: 100 })],
    throughput('ours', 1, 2, 3),
  );

  expect(verdict).toMatchObject({ outcome: 'not measured', value: null });
});

test('samples of another measure or another number of threads do not count', () => {
  const others = [
    ...throughput('ours', 100),
    sample('theirs', 1, { measure: 'select', metrics: { throughput: 1 } }),
    sample('theirs', 1, { x: 16, metrics: { throughput: 1 } }),
  ];

  expect(judge([bar(ratio, { kind: 'at least', value: 0 })], others)).toMatchObject([
    { outcome: 'not measured' },
  ]);
});

test('a difference is told in the unit of what is compared', () => {
  const subject: BarSubject = { kind: 'difference', statistic: p50, ours, theirs };
  const samples = [
    sample('ours', 1, { distribution: [[0.5, 10]] }),
    sample('theirs', 1, { distribution: [[0.125, 10]] }),
  ];

  expect(judge([bar(subject, { kind: 'at most', value: 0.4 })], samples)).toMatchObject([
    { outcome: 'met', value: { median: 0.375 } },
  ]);
});

test('a pooled quantile is over the values of all rounds, not a median of rounds', () => {
  const subject: BarSubject = { kind: 'pooled', share: 0.99, ours };
  const samples = [
    sample('ours', 1, { distribution: [[100, 60]] }),
    sample('ours', 2, {
      distribution: [
        [100, 38],
        [900, 2],
      ],
    }),
  ];

  expect(judge([bar(subject, { kind: 'at most', value: 899 })], samples)).toMatchObject([
    { outcome: 'missed', value: { median: 900 }, count: 100 },
  ]);
});

test('where the worst round counts, one bad round is enough to miss', () => {
  const subject: BarSubject = { kind: 'worst', statistic: metric('throughput'), ours };
  const samples = throughput('ours', 10, 10, 50);

  expect(judge([bar(subject, { kind: 'at most', value: 20 })], samples)).toMatchObject([
    { outcome: 'missed', value: { median: 50 } },
  ]);
  expect(judge([bar(subject, { kind: 'at least', value: 10 })], samples)).toMatchObject([
    { outcome: 'met' },
  ]);
});
