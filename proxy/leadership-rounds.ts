import { after, type Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { ProxyHost } from './proxy-api.ts';
import type { SharedGate } from './shared-gate.ts';

/** More rounds at a time make no response earlier; what asks meanwhile shares the next one. */
const roundsInFlightMax = 4;
/** Until a round that was rejected is tried again, should the gate still be open then. */
const retryMs = 20;

export interface LeadershipRoundsOptions {
  readonly gate: SharedGate;
  readonly host: ProxyHost;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Some responses that are held may leave now. */
  readonly onConfirmed: () => void;
}

/** Main thread: confirms leadership for the workers, many commands with each round. */
export class LeadershipRounds {
  readonly #options: LeadershipRoundsOptions;
  #inFlight = 0;
  #stopRetry: (() => void) | null = null;

  constructor(options: LeadershipRoundsOptions) {
    this.#options = options;
  }

  /** A worker has asked for a round, or the gate was opened. */
  wake(): void {
    this.#options.gate.takeWake();
    this.#start();
  }

  close(): void {
    this.#stopRetry?.();
    this.#stopRetry = null;
  }

  #start(): void {
    const { gate } = this.#options;
    while (this.#inFlight < roundsInFlightMax && gate.epoch('gate') !== 0) {
      const round = gate.startRound();
      if (round === null) return;
      this.#run(round);
    }
  }

  #run(round: bigint): void {
    this.#inFlight += 1;
    this.#options.host.readIndex().then(
      () => this.#confirmed(round),
      (thrown: unknown) => this.#rejected(thrown),
    );
  }

  #confirmed(round: bigint): void {
    this.#inFlight -= 1;
    this.#options.gate.confirmRound(round);
    this.#options.onConfirmed();
    this.#start();
  }

  /** Nothing is confirmed. The node is about to close the gate, unless it was only in passing. */
  #rejected(thrown: unknown): void {
    this.#inFlight -= 1;
    this.#options.logger.debug('leadership-round-rejected', { reason: messageOf(thrown) });
    this.#stopRetry ??= after(this.#options.clock, retryMs, () => {
      this.#stopRetry = null;
      if (this.#options.gate.hasUnconfirmedRounds) this.#options.gate.requestRound();
      this.wake();
    });
  }
}
