import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  countOf,
  cumulative,
  distributionOf,
  pooled,
  quantile,
} from '../../../bench/core/distribution.ts';

const values = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 60 });

test('a quantile is the nearest rank of the sorted values', () => {
  fc.assert(
    fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (list, share) => {
      const sorted = [...list].sort((left, right) => left - right);
      const rank = Math.max(1, Math.ceil(share * list.length));
      expect(quantile(distributionOf(list), share)).toBe(sorted[rank - 1]);
    }),
  );
});

test('the 99th percentile of fifty values is their maximum, of a hundred the last but one', () => {
  const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

  expect(quantile(distributionOf(upTo(50)), 0.99)).toBe(50);
  expect(quantile(distributionOf(upTo(100)), 0.99)).toBe(99);
});

test('nothing has no quantile and no curve', () => {
  expect(quantile([], 0.5)).toBeNull();
  expect(cumulative([], 10)).toEqual([]);
});

test('pooled distributions count what each of them saw', () => {
  expect(
    pooled([
      [
        [1, 2],
        [3, 1],
      ],
      [
        [0.5, 4],
        [3, 2],
      ],
    ]),
  ).toEqual([
    [0.5, 4],
    [1, 2],
    [3, 3],
  ]);
  fc.assert(
    fc.property(values, values, (left, right) => {
      const together = pooled([distributionOf(left), distributionOf(right)]);
      expect(together).toEqual(distributionOf([...left, ...right]));
      expect(countOf(together)).toBe(left.length + right.length);
    }),
  );
});

test('a curve of few points keeps both ends and never falls', () => {
  fc.assert(
    fc.property(values, fc.integer({ min: 2, max: 20 }), (list, pointsMax) => {
      const points = cumulative(distributionOf(list), pointsMax);
      expect(points.at(0)?.value).toBe(Math.min(...list));
      expect(points.at(-1)).toEqual({ value: Math.max(...list), share: 1 });
      expect(points.length).toBeLessThanOrEqual(pointsMax + 2);
      for (const [index, point] of points.entries()) {
        expect(point.share).toBeGreaterThan(points[index - 1]?.share ?? 0);
      }
    }),
  );
});
