import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nearestRank } from '../../../base/nearest-rank.ts';
import { countOf } from '../../../bench/core/distribution.ts';
import { LatencyRecorder } from '../../../bench/core/latency-recorder.ts';

test('every latency is counted, and shown within half a percent of what it was', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.001, max: 60_000, noNaN: true }), { minLength: 1 }),
      (values) => {
        const recorder = new LatencyRecorder();
        for (const value of values) recorder.add(value);

        expect(countOf(recorder.distribution)).toBe(values.length);
        expect(recorder.count).toBe(values.length);
        const longest = Math.max(...values);
        const shown = nearestRank(recorder.distribution, 1) ?? 0;
        expect(Math.abs(shown / longest - 1)).toBeLessThan(0.006);
      },
    ),
  );
});

test('values come in ascending order, those within a step as one', () => {
  const recorder = new LatencyRecorder();
  for (const value of [20, 1, 1.001, 3]) recorder.add(value);

  const values = recorder.distribution.map(([value]) => value);
  expect(values).toEqual(values.toSorted((left, right) => left - right));
  expect(recorder.distribution.map(([, count]) => count)).toEqual([2, 1, 1]);
});

test('a latency of nothing is counted as a very short one', () => {
  const recorder = new LatencyRecorder();
  recorder.add(0);

  expect(recorder.distribution).toEqual([[expect.closeTo(0.0001, 5), 1]]);
});
