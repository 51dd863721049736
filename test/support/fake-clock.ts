import type { Clock } from '../../base/clock.ts';

interface Timer {
  atMs: number;
  readonly fire: () => void;
  /** Null: once. */
  readonly everyMs: number | null;
}

/** Time that moves only by `advance`. Timers fire in the order of their moments; the one set first fires first. */
export class FakeClock implements Clock {
  #nowMs = 1000;
  readonly #timers = new Set<Timer>();

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs;
  }

  delay(ms: number, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const timer = { atMs: this.#nowMs + ms, fire: resolve, everyMs: null };
      this.#timers.add(timer);
      signal?.addEventListener('abort', () => {
        if (this.#timers.delete(timer)) reject(signal.reason);
      });
    });
  }

  every(ms: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + ms, fire: callback, everyMs: ms };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Lets `ms` pass; each timer fires at its own moment. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (let timer = this.#next(endMs); timer !== null; timer = this.#next(endMs)) {
      this.#nowMs = Math.max(this.#nowMs, timer.atMs);
      this.#fire(timer);
    }
    this.#nowMs = endMs;
  }

  /** As a stopped process sees it: the time is gone, then each timer that is due fires once. */
  jump(ms: number): void {
    this.#nowMs += ms;
    for (const timer of [...this.#timers]) {
      if (timer.atMs <= this.#nowMs) this.#fire(timer);
    }
  }

  #fire(timer: Timer): void {
    if (timer.everyMs === null) this.#timers.delete(timer);
    else timer.atMs = this.#nowMs + timer.everyMs;
    timer.fire();
  }

  #next(endMs: number): Timer | null {
    const due = [...this.#timers].filter((timer) => timer.atMs <= endMs);
    return due.reduce<Timer | null>(
      (first, timer) => (first === null || timer.atMs < first.atMs ? timer : first),
      null,
    );
  }
}
