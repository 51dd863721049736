import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nearestRank } from '../../base/nearest-rank.ts';

const counts = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 1, max: 9 })), {
    minLength: 1,
    selector: ([value]) => value,
  })
  .map((pairs) => pairs.toSorted(([left], [right]) => left - right));

function once(upTo: number): readonly (readonly [number, number])[] {
  return Array.from({ length: upTo }, (_, index) => [index + 1, 1] as const);
}

test('a quantile is the nearest rank of the sorted values', () => {
  fc.assert(
    fc.property(counts, fc.double({ min: 0, max: 1, noNaN: true }), (pairs, share) => {
      const sorted = pairs.flatMap(([value, count]) => Array<number>(count).fill(value));
      const rank = Math.max(1, Math.ceil(share * sorted.length));
      expect(nearestRank(pairs, share)).toBe(sorted[rank - 1]);
    }),
  );
});

test('the 99th percentile of fifty values is their maximum, of a hundred the last but one', () => {
  expect(nearestRank(once(50), 0.99)).toBe(50);
  expect(nearestRank(once(100), 0.99)).toBe(99);
});

test('nothing has no quantile', () => {
  expect(nearestRank([], 0.5)).toBeNull();
});
