import { after, type Clock } from '../base/clock.ts';
import { type Deferred, deferred } from '../base/deferred.ts';
import type { BlockingSession, HoldOutcome } from './proxy-api.ts';
import type { SharedGate } from './shared-gate.ts';
import type { ToWorker } from './worker/worker-messages.ts';

/** A hold that nobody ends is over this long after its deadline: clients must not wait for a node that has forgotten them. */
const forgottenMs = 10_000;

interface Hold {
  readonly outcome: Deferred<HoldOutcome>;
  readonly noisyWorkers: Set<number>;
  readonly unheardWorkers: Set<number>;
  readonly blocking: BlockingSession[];
  /** Of the deadline at first, then of forgetting the hold. */
  stopTimer: () => void;
}

export interface StatementHoldOptions {
  readonly gate: SharedGate;
  readonly clock: Clock;
  readonly workers: number;
  readonly postAll: (message: ToWorker) => void;
}

/** Main thread: keeps new statements back during a planned transfer, and tells when nothing runs any more. */
export class StatementHold {
  readonly #options: StatementHoldOptions;
  #hold: Hold | null = null;

  constructor(options: StatementHoldOptions) {
    this.#options = options;
  }

  /** A hold that is still on is given up first. */
  begin(deadlineMs: number): Promise<HoldOutcome> {
    this.end({ isHandedOver: false });
    const workers = [...Array(this.#options.workers).keys()];
    const hold: Hold = {
      outcome: deferred<HoldOutcome>(),
      noisyWorkers: new Set(workers),
      unheardWorkers: new Set(workers),
      blocking: [],
      stopTimer: after(this.#options.clock, deadlineMs, () => this.#askForBlocking()),
    };
    this.#hold = hold;
    this.#options.gate.setHolding(true);
    this.#options.postAll({ kind: 'hold' });
    return hold.outcome.promise;
  }

  quiet(worker: number): void {
    const hold = this.#hold;
    if (hold === null) return;
    hold.noisyWorkers.delete(worker);
    if (hold.noisyWorkers.size > 0) return;
    hold.outcome.resolve({ kind: 'quiet' });
    this.#forgetLater(hold);
  }

  blocking(worker: number, sessions: readonly BlockingSession[]): void {
    const hold = this.#hold;
    if (hold === null || !hold.unheardWorkers.delete(worker)) return;
    hold.blocking.push(...sessions);
    if (hold.unheardWorkers.size === 0) {
      hold.outcome.resolve({ kind: 'blocked', sessions: hold.blocking });
    }
  }

  /** Fine when nothing is held. */
  end(options: { readonly isHandedOver: boolean }): void {
    const hold = this.#hold;
    if (hold === null) return;
    this.#hold = null;
    hold.stopTimer();
    this.#options.gate.setHolding(false);
    this.#options.postAll({ kind: 'hold-ended', isHandedOver: options.isHandedOver });
    hold.outcome.resolve({ kind: 'blocked', sessions: hold.blocking });
  }

  #askForBlocking(): void {
    this.#options.postAll({ kind: 'report-blocking' });
    if (this.#hold !== null) this.#forgetLater(this.#hold);
  }

  #forgetLater(hold: Hold): void {
    hold.stopTimer();
    hold.stopTimer = after(this.#options.clock, forgottenMs, () => {
      if (this.#hold === hold) this.end({ isHandedOver: false });
    });
  }
}
