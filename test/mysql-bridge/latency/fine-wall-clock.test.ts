import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FineWallClock } from '../../../mysql-bridge/latency/fine-wall-clock.ts';
import { FakeClock } from '../../support/fake-clock.ts';

/** A wall clock at a distance from the monotonic one, cut to whole milliseconds as the system's is. */
class CutClock extends FakeClock {
  distanceMs = 0;

  override wallMs(): number {
    return Math.floor(this.monotonicMs() + this.distanceMs);
  }
}

function errorAfter(steps: readonly number[], clock: CutClock, fine: FineWallClock): number {
  let error = Infinity;
  for (const ms of steps) {
    clock.advance(ms);
    const nowMs = clock.monotonicMs();
    error = Math.abs(fine.wallMs(nowMs) - (nowMs + clock.distanceMs));
  }
  return error;
}

const step = fc.double({ min: 0.01, max: 50, noNaN: true });

test('it is never off by more than half a millisecond, and by less with each reading', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      fc.array(step, { minLength: 1, maxLength: 20 }),
      (distanceMs, steps) => {
        const clock = new CutClock();
        clock.distanceMs = distanceMs;
        expect(errorAfter(steps, clock, new FineWallClock(clock))).toBeLessThan(0.501);
      },
    ),
  );
});

test('a hundred readings at odd moments leave a few hundredths of a millisecond', () => {
  const clock = new CutClock();
  clock.distanceMs = 1234.567;
  const steps = Array.from({ length: 100 }, (_, index) => 1 + (index % 97) / 97);
  expect(errorAfter(steps, clock, new FineWallClock(clock))).toBeLessThan(0.03);
});

test('a wall clock that is set, to either side, is followed at the next reading', () => {
  const clock = new CutClock();
  const fine = new FineWallClock(clock);
  errorAfter([0.3, 0.4, 0.5], clock, fine);
  for (const distanceMs of [5000, -7000]) {
    clock.distanceMs = distanceMs;
    expect(errorAfter([0.7], clock, fine)).toBeLessThan(0.501);
  }
});
