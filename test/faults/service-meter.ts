import { type Clock, SystemClock } from '../../base/clock.ts';
import { isEnough, type Rates, serviceMs, serviceWithinMs } from './judge/minima.ts';
import type { LoadCounts } from './load/workload.ts';

interface Sample {
  /** Monotonic. */
  readonly atMs: number;
  readonly ok: number;
  readonly writes: number;
}

const everyMs = 250;
/** Clients tell what they did twice a second, so this is seen a little late; whoever judges the history later shall see no less. */
const reserve = 1.5;

/** Watches what clients are acknowledged, so that a fault begins when there is service, and lasts until there is service again. */
export class ServiceMeter {
  readonly #counts: () => LoadCounts;
  readonly #needed: Rates;
  readonly #clock: Clock;

  constructor(counts: () => LoadCounts, needed: Rates, clock: Clock = new SystemClock()) {
    this.#counts = counts;
    this.#clock = clock;
    this.#needed = {
      okPerSecond: needed.okPerSecond * reserve,
      writesPerSecond: needed.writesPerSecond * reserve,
    };
  }

  /** Settles when there was service for long enough, from now on; or when that took too long, which the judge will see. */
  async served(signal: AbortSignal): Promise<void> {
    const begunMs = this.#clock.monotonicMs();
    const samples: Sample[] = [];
    while (this.#clock.monotonicMs() - begunMs < serviceWithinMs && !signal.aborted) {
      const now = { atMs: this.#clock.monotonicMs(), ...this.#counts() };
      samples.push(now);
      while ((samples[1]?.atMs ?? Number.POSITIVE_INFINITY) <= now.atMs - serviceMs)
        samples.shift();
      const [oldest = now] = samples;
      if (oldest.atMs <= now.atMs - serviceMs && isEnough(ratesOf(oldest, now), this.#needed))
        return;
      await this.#clock.delay(everyMs, { signal }).catch(() => undefined);
    }
  }
}

function ratesOf(from: Sample, to: Sample): Rates {
  const lasted = (to.atMs - from.atMs) / 1000;
  return {
    okPerSecond: (to.ok - from.ok) / lasted,
    writesPerSecond: (to.writes - from.writes) / lasted,
  };
}
