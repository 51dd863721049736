import type { Clock } from '../../../base/clock.ts';
import type { Random } from '../../../base/random.ts';
import type { ScheduledEvent } from './event-queue.ts';
import type { SimProcess } from './sim-process.ts';

/** Timers of a busy event loop come late, by up to this much. */
const latenessUsMax = 1000;

/**
 * The clocks of a process, at the rate of its host. Timers come a little late, never early; while the process is stopped
 * they wait and then fire once, as `setInterval` does; in a dead process they never fire.
 */
export class SimClock implements Clock {
  readonly #process: SimProcess;
  readonly #random: Random;

  constructor(process: SimProcess) {
    this.#process = process;
    this.#random = process.simulation.random(`timers ${process.host.name}`);
  }

  monotonicMs(): number {
    return this.#process.host.localUs / 1000;
  }

  wallMs(): number {
    return this.#process.host.wallMs;
  }

  delay(ms: number, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        timer.cancel();
        reject(signal?.reason);
      };
      const timer = this.#in(ms, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  every(ms: number, callback: () => void): () => void {
    let isStopped = false;
    let next: ScheduledEvent | null = null;
    const arm = (): void => {
      next = this.#in(ms, () => {
        if (isStopped) return;
        arm();
        callback();
      });
    };
    arm();
    return () => {
      isStopped = true;
      next?.cancel();
    };
  }

  #in(ms: number, callback: () => void): ScheduledEvent {
    const { simulation, host } = this.#process;
    const lateUs = this.#random.below(0, latenessUsMax);
    return simulation.after(host.durationUs(ms * 1000) + lateUs, () =>
      this.#process.enterTimer(callback),
    );
  }
}
