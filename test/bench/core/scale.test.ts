import fc from 'fast-check';
import { expect, test } from 'vitest';
import { linearScale, listedScale, logScale, tickText } from '../../../bench/core/scale.ts';

test('a linear axis goes from nothing to a round number', () => {
  expect(linearScale(2.6).ticks).toEqual([0, 1, 2, 3]);
  expect(linearScale(8912).ticks).toEqual([0, 2000, 4000, 6000, 8000, 10_000]);
  expect(linearScale(100).ticks).toEqual([0, 20, 40, 60, 80, 100]);
});

test('a logarithmic axis of few decades marks 1, 2 and 5, one of many marks powers of ten', () => {
  expect(logScale(0.35, 7).ticks).toEqual([0.2, 0.5, 1, 2, 5, 10]);
  expect(logScale(0.1, 900).ticks).toEqual([0.1, 1, 10, 100, 1000]);
});

test('listed values stand evenly, and others between their neighbours', () => {
  const scale = listedScale([64, 1, 16, 16]);

  expect(scale.ticks).toEqual([1, 16, 64]);
  expect([1, 16, 32, 64].map(scale.place)).toEqual([0, 0.5, 0.75, 1]);
  expect(listedScale([16]).place(16)).toBe(0.5);
});

test('every value within an axis has its place on it, in order', () => {
  const amount = fc.double({ min: 0.001, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(amount, amount, (one, other) => {
      const [low, high] = [Math.min(one, other), Math.max(one, other)];
      for (const scale of [linearScale(high), logScale(low, high)]) {
        const [from, to] = [scale.place(low), scale.place(high)];
        expect(from).toBeGreaterThanOrEqual(0);
        expect(to).toBeLessThanOrEqual(1);
        expect(to).toBeGreaterThanOrEqual(from);
        expect(scale.ticks.length).toBeGreaterThanOrEqual(2);
        expect(scale.ticks.length).toBeLessThanOrEqual(12);
      }
    }),
  );
});

test('marks are written as short as they can be', () => {
  expect([0, 0.5, 5000, 20_000, 2_500_000].map(tickText)).toEqual([
    '0',
    '0.5',
    '5000',
    '20k',
    '2.5M',
  ]);
});
