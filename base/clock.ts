import { setTimeout as delay } from 'node:timers/promises';

/** Time as an argument. Shells take a `Clock`; cores count ticks. */
export interface Clock {
  /** Milliseconds on the monotonic clock, fractional; comparable only within one machine boot. */
  monotonicMs(): number;
  /** Milliseconds since 1970 on the wall clock: for people, never for waits or decisions. */
  wallMs(): number;
  /** Settles after `ms`; rejects with the signal's reason when aborted. */
  delay(ms: number, options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Calls back every `ms` until the returned function is called. */
  every(ms: number, callback: () => void): () => void;
}

/** Calls back once after `ms`, unless the returned function is called before. */
export function after(clock: Clock, ms: number, callback: () => void): () => void {
  const stop = clock.every(ms, () => {
    stop();
    callback();
  });
  return stop;
}

/** The operating system's clocks. `process.hrtime` is CLOCK_MONOTONIC: shared by all threads and processes. */
export class SystemClock implements Clock {
  monotonicMs(): number {
    return Number(process.hrtime.bigint()) / 1e6;
  }

  wallMs(): number {
    return Date.now();
  }

  async delay(ms: number, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    await delay(ms, undefined, options);
  }

  every(ms: number, callback: () => void): () => void {
    const timer = setInterval(callback, ms);
    return () => clearInterval(timer);
  }
}
