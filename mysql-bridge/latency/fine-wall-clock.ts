import type { Clock } from '../../base/clock.ts';

/** What a reading of the wall clock leaves open: it is cut to whole milliseconds. */
const readingMs = 1;

/**
 * The wall clock in parts of a millisecond, to hold the microseconds of another program on this machine against. Both of our clocks run at
 * one rate, so their distance is constant until somebody sets the wall clock; each pair of readings confines it to a millisecond, and
 * what all of them have in common is a few microseconds wide soon. A pair that contradicts those before begins anew.
 */
export class FineWallClock {
  readonly #clock: Clock;
  #distanceMinMs = -Infinity;
  #distanceMaxMs = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds since 1970 at a moment just read from the monotonic clock. */
  wallMs(monotonicMs: number): number {
    const leastMs = this.#clock.wallMs() - monotonicMs;
    const mostMs = leastMs + readingMs;
    this.#distanceMinMs = Math.max(this.#distanceMinMs, leastMs);
    this.#distanceMaxMs = Math.min(this.#distanceMaxMs, mostMs);
    if (this.#distanceMinMs > this.#distanceMaxMs) {
      this.#distanceMinMs = leastMs;
      this.#distanceMaxMs = mostMs;
    }
    return monotonicMs + (this.#distanceMinMs + this.#distanceMaxMs) / 2;
  }
}
