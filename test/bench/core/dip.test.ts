import { expect, test } from 'vitest';
import { dipPercentAround } from '../../../bench/core/dip.ts';

/** One acknowledgement every `everyMs` from `fromMs` to before `toMs`. */
function acks(fromMs: number, toMs: number, everyMs: number): readonly number[] {
  const count = Math.floor((toMs - fromMs) / everyMs);
  return Array.from({ length: count }, (_, index) => fromMs + index * everyMs);
}

test('steady writes have no dip', () => {
  expect(dipPercentAround(acks(0, 10_000, 10), 5000)).toBe(0);
});

test('writes that stop for a quarter of the second around an event dip by 25 percent', () => {
  const times = [...acks(0, 5000, 10), ...acks(5250, 10_000, 10)];

  expect(dipPercentAround(times, 5000)).toBeCloseTo(25, 5);
});

test('more writes around an event are a dip below nothing', () => {
  expect(dipPercentAround([...acks(0, 4500, 10), ...acks(4500, 6000, 5)], 5000)).toBe(-100);
});

test('without writes before the event there is nothing to compare with', () => {
  expect(dipPercentAround(acks(4600, 6000, 10), 5000)).toBeNull();
});
