import type { Clock } from '../base/clock.ts';

/** A tick that comes later than this many intervals after the one before it ends a stall. */
const stallIntervals = 3;

export interface TickerOptions {
  readonly clock: Clock;
  readonly tickMs: number;
  readonly onTick: () => void;
  /** The process did not run, or was too busy, for `stalledMs`; called before the tick that ends the stall. */
  readonly onStall: (stalledMs: number) => void;
  /** Calls back once what waits on the sockets was read; the event loop's own turns unless a test says otherwise. */
  readonly afterPendingIo?: (callback: () => void) => void;
}

/**
 * Turns the clock into ticks and never catches up: while a process is stopped its time stands still. Ticks that are too
 * slow only make this node more patient. Ticks that came in a burst would make a follower campaign
 * against a leader whose heartbeats lie unread in its socket, and would break the promise behind a leader's lease, that an
 * election timeout takes its full time (Raft thesis §6.4.1).
 *
 * Invariant: any `n` ticks in a row span at least `n - 1.5` intervals.
 */
export class Ticker {
  readonly #options: TickerOptions;
  readonly #afterPendingIo: (callback: () => void) => void;
  #stop: (() => void) | null = null;
  #nextAtMs = 0;
  #lastAtMs = 0;
  #isDeferred = false;

  constructor(options: TickerOptions) {
    this.#options = options;
    this.#afterPendingIo = options.afterPendingIo ?? afterTwoTurns;
  }

  start(): void {
    const { clock, tickMs } = this.#options;
    this.#lastAtMs = clock.monotonicMs();
    this.#nextAtMs = this.#lastAtMs + tickMs / 2;
    this.#stop ??= clock.every(tickMs, () => this.#elapsed());
  }

  stop(): void {
    this.#stop?.();
    this.#stop = null;
  }

  #elapsed(): void {
    const { clock, tickMs } = this.#options;
    if (this.#isDeferred) return;
    if (clock.monotonicMs() - this.#lastAtMs <= stallIntervals * tickMs) {
      this.#tick(0);
      return;
    }
    const stalledMs = clock.monotonicMs() - this.#lastAtMs;
    this.#isDeferred = true;
    this.#afterPendingIo(() => {
      this.#isDeferred = false;
      this.#tick(stalledMs);
    });
  }

  #tick(stalledMs: number): void {
    const { clock, tickMs, onTick, onStall } = this.#options;
    const nowMs = clock.monotonicMs();
    if (this.#stop === null || nowMs < this.#nextAtMs) return;
    // Late timers may be followed by an early one, by half an interval at most.
    this.#nextAtMs = Math.max(this.#nextAtMs + tickMs, nowMs + tickMs / 2);
    this.#lastAtMs = nowMs;
    if (stalledMs > 0) onStall(stalledMs);
    onTick();
  }
}

/** Timers run before sockets are read in a turn of the event loop, and `setImmediate` after: twice reads what came in parts. */
function afterTwoTurns(callback: () => void): void {
  setImmediate(() => setImmediate(callback));
}
