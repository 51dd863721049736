import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countOf, cumulative, distributionOf, pooled } from '../../../bench/core/distribution.ts';

const values = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 60 });

test('nothing has no curve', () => {
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
