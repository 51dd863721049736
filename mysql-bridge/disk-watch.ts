import type { Clock } from '../base/clock.ts';

const roundMs = 1000;
/** A round that took this much longer than its own time-out was paused with the whole process. */
const pauseMs = 1000;

/**
 * Asks again and again whether the disk under the server takes writes. A loop of its own: the monitor's must go on while a disk hangs.
 */
export class DiskWatch {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #onFault: (fault: string | null) => void;
  readonly #stop = new AbortController();

  /** `onFault` hears each answer, in words, null when all is well. */
  constructor(options: {
    readonly clock: Clock;
    readonly timeoutMs: number;
    readonly onFault: (fault: string | null) => void;
  }) {
    this.#clock = options.clock;
    this.#timeoutMs = options.timeoutMs;
    this.#onFault = options.onFault;
  }

  /** Runs until stopped; rounds in which nothing is wanted ask nothing. */
  async run(options: {
    readonly isWanted: () => boolean;
    readonly ask: (timeoutMs: number) => Promise<string | null>;
  }): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      if (options.isWanted()) {
        const fault = await this.#answer(options.ask);
        if (!signal.aborted && options.isWanted()) this.#onFault(fault);
      }
      await this.#clock.delay(roundMs, { signal }).catch(() => undefined);
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  async #answer(ask: (timeoutMs: number) => Promise<string | null>): Promise<string | null> {
    const begunMs = this.#clock.monotonicMs();
    const fault = await ask(this.#timeoutMs);
    // After a pause of this whole process the timer fires before the end of the write is seen.
    const wasPaused = this.#clock.monotonicMs() - begunMs > this.#timeoutMs + pauseMs;
    return fault !== null && wasPaused ? await ask(this.#timeoutMs) : fault;
  }
}
