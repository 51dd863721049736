import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countBelow, countedBetween, quantileUs } from '../../base/histogram-snapshot.ts';
import { LatencyHistogram } from '../../base/latency-histogram.ts';

const hourUs = 3_600_000_000;
/** Many orders of magnitude, each as likely as the next. */
const micros = fc
  .tuple(fc.integer({ min: 0, max: 31 }), fc.double({ min: 1, max: 2, noNaN: true }))
  .map(([power, factor]) => Math.min(hourUs, Math.floor(2 ** power * factor)));

function counted(durationsUs: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const us of durationsUs) histogram.recordMs(us / 1000);
  return histogram;
}

test('a quantile is never too small, and too large by at most a sixteenth and the rounding', () => {
  fc.assert(
    fc.property(
      fc.array(micros, { minLength: 1, maxLength: 200 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (durationsUs, share) => {
        const sorted = durationsUs.toSorted((left, right) => left - right);
        const exact = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
        const shown = quantileUs(counted(durationsUs).snapshot(), share) ?? 0;
        // Microseconds become fractions of milliseconds and back: one may be lost on the way.
        expect(shown).toBeGreaterThanOrEqual(exact);
        expect(shown).toBeLessThanOrEqual(exact * (1 + 1 / 16) + 1);
      },
    ),
  );
});

test('count and sum are those of the durations', () => {
  fc.assert(
    fc.property(fc.array(micros, { maxLength: 200 }), (durationsUs) => {
      const { count, sumUs, buckets } = counted(durationsUs).snapshot();
      const sum = durationsUs.reduce((total, us) => total + us, 0);
      expect(count).toBe(durationsUs.length);
      expect(Math.abs(sumUs - sum)).toBeLessThanOrEqual(durationsUs.length);
      expect(buckets.map(([end]) => end)).toEqual(
        buckets.map(([end]) => end).toSorted((left, right) => left - right),
      );
    }),
  );
});

test('what lies between two snapshots is what was recorded between them', () => {
  fc.assert(
    fc.property(fc.array(micros), fc.array(micros), (earlier, later) => {
      const histogram = counted(earlier);
      const before = histogram.snapshot();
      for (const us of later) histogram.recordMs(us / 1000);
      expect(countedBetween(before, histogram.snapshot())).toEqual(counted(later).snapshot());
    }),
  );
});

test('a power of two ends a bucket, so that counts below it are exact', () => {
  fc.assert(
    fc.property(fc.array(micros), fc.integer({ min: 4, max: 26 }), (durationsUs, power) => {
      // A quarter of a microsecond more than whole: no rounding moves it to the microsecond before.
      const histogram = counted(durationsUs.map((us) => us + 0.25));
      const below = durationsUs.filter((us) => us < 2 ** power).length;
      expect(countBelow(histogram.snapshot(), 2 ** power)).toBe(below);
    }),
  );
});

test.each([
  ['an empty one has no quantile', [], null],
  ['a negative duration counts as none', [-5], 1],
  ['what is no number counts as none', [Number.NaN], 1],
  ['more than the maximum counts as the maximum', [Infinity], 2 ** 32],
])('%s', (_, durationsMs, expected) => {
  const histogram = new LatencyHistogram();
  for (const ms of durationsMs) histogram.recordMs(ms);
  expect(quantileUs(histogram.snapshot(), 0.5)).toBe(expected);
});

test('a sum goes on beyond 32 bits', () => {
  const histogram = new LatencyHistogram();
  for (let hour = 0; hour < 5; hour += 1) histogram.recordMs(hourUs / 1000);
  expect(histogram.snapshot()).toMatchObject({ count: 5, sumUs: 5 * hourUs });
});

test('two on one memory are one', () => {
  const buffer = new SharedArrayBuffer(8 + LatencyHistogram.bytes);
  new LatencyHistogram(buffer, 8).recordMs(3);
  expect(new LatencyHistogram(buffer, 8).snapshot().count).toBe(1);
});
