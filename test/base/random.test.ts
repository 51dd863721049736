import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SeededRandom } from '../../base/random.ts';

function draws(seed: number, count = 100): number[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: count }, () => random.below(0, 1000));
}

test('the same seed gives the same run, another seed another one', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      expect(draws(seed)).toEqual(draws(seed));
      expect(draws(seed)).not.toEqual(draws(seed + 1));
    }),
  );
});

test('every draw is a whole number within its bounds, the upper one excluded', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer({ min: -1000, max: 1000 }),
      fc.integer({ min: 1, max: 1_000_000 }),
      (seed, low, width) => {
        const drawn = new SeededRandom(seed).below(low, low + width);
        expect(Number.isInteger(drawn)).toBe(true);
        expect(drawn).toBeGreaterThanOrEqual(low);
        expect(drawn).toBeLessThan(low + width);
      },
    ),
  );
});

test('all values come up about equally often, also with seed 0', () => {
  const random = new SeededRandom(0);
  const counts = new Array<number>(10).fill(0);
  for (let draw = 0; draw < 10_000; draw += 1) {
    const value = random.below(0, 10);
    counts[value] = (counts[value] ?? 0) + 1;
  }
  expect(Math.min(...counts)).toBeGreaterThan(850);
  expect(Math.max(...counts)).toBeLessThan(1150);
});
