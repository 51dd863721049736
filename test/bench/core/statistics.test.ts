import { expect, test } from 'vitest';
import { median, pairByRound, spreadOf } from '../../../bench/core/statistics.ts';

test.each([
  [[3], 3],
  [[3, 1, 2], 2],
  [[4, 1, 3, 2], 2.5],
  [[], null],
])('the median of %j is %j', (values, expected) => {
  expect(median(values)).toBe(expected);
});

test('a spread has the lowest and the highest value around its median', () => {
  expect(spreadOf([5, 1, 3])).toEqual({ median: 3, min: 1, max: 5 });
  expect(spreadOf([])).toBeNull();
});

test('rounds are paired by their number, and one that a side has not measured is left out', () => {
  const ours = [
    { round: 1, value: 10 },
    { round: 2, value: 30 },
    { round: 3, value: 50 },
  ];
  const theirs = [
    { round: 3, value: 10 },
    { round: 1, value: 5 },
  ];

  expect(pairByRound(ours, theirs, (our, their) => our / their)).toEqual([2, 5]);
});
