import { setTimeout as delay } from 'node:timers/promises';

export interface RateWish {
  readonly name: string;
  /** What this one can use, per second; Infinity for as much as there is. */
  readonly rateMax: number;
}

/** Shares a rate evenly; what one cannot use goes to the others. */
export function shareRate(
  ratePerSecond: number,
  wishes: readonly RateWish[],
): ReadonlyMap<string, number> {
  const shares = new Map<string, number>();
  let left = ratePerSecond;
  const waiting = wishes.toSorted((one, other) => one.rateMax - other.rateMax);
  for (const [index, { name, rateMax }] of waiting.entries()) {
    const share = Math.min(rateMax, left / (waiting.length - index));
    shares.set(name, share);
    left -= share;
  }
  return shares;
}

/** Unused turns are kept for this long, so that sessions that waited for a new leader do not all burst. */
const burstMs = 200;

/**
 * Turns at a steady rate for all sessions of one workload in one process, first come first served: sessions that hang do not take those of
 * the others along.
 */
export class Pacer {
  readonly #intervalMs: number;
  readonly #signal: AbortSignal;
  readonly #now: () => number;
  #nextMs: number;

  constructor(
    ratePerSecond: number,
    signal: AbortSignal,
    now: () => number = () => performance.now(),
  ) {
    this.#intervalMs = 1000 / ratePerSecond;
    this.#signal = signal;
    this.#now = now;
    this.#nextMs = now();
  }

  /** When the next turn is, on the clock given. Each call takes one. */
  reserve(): number {
    const turnMs = Math.max(this.#nextMs, this.#now() - burstMs);
    this.#nextMs = turnMs + this.#intervalMs;
    return turnMs;
  }

  /** False when there is no turn any more. */
  async turn(): Promise<boolean> {
    const waitMs = this.reserve() - this.#now();
    if (waitMs > 0) await pause(waitMs, this.#signal);
    return !this.#signal.aborted;
  }
}

/** Ends early, without an error, when the signal comes. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
