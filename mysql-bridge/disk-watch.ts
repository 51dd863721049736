import type { Clock } from '../base/clock.ts';
import { askUnpaused } from './ask-unpaused.ts';

const roundMs = 1000;

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
        const fault = await askUnpaused({
          clock: this.#clock,
          timeoutMs: this.#timeoutMs,
          ask: options.ask,
          isGood: (answer) => answer === null,
        });
        if (!signal.aborted && options.isWanted()) this.#onFault(fault);
      }
      await this.#clock.delay(roundMs, { signal }).catch(() => undefined);
    }
  }

  stop(): void {
    this.#stop.abort();
  }
}
