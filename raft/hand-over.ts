import type { Clock } from '../base/clock.ts';
import { type Deferred, deferred } from '../base/deferred.ts';
import type { Logger } from '../base/logger.ts';
import type { Effect } from './core/effects.ts';
import type { Input } from './core/inputs.ts';
import type { NodeId } from './core/types.ts';
import { NotLeaderError, TransferAbortedError, TransferringError } from './errors.ts';
import type { RaftStatus } from './raft-api.ts';

export interface HandOverOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long an abdicating leader waits for a successor before it falls silent. */
  readonly abdicationMsMax: number;
  readonly status: () => RaftStatus;
  readonly onInput: (input: Input) => void;
  /** Aborted when the node ends. */
  readonly signal: AbortSignal;
}

type TransferEnd = Extract<Effect, { readonly kind: 'transfer-ended' }>;

interface AskedTransfer {
  readonly transferId: number;
  readonly ended: Deferred<void>;
}

/**
 * Gives leadership away: to a chosen node while a caller waits, or to whoever is best, at once. One at a time; the machine also begins
 * some by itself, as a witness or for the sake of a better applied node, and ends of those are nobody's answer.
 */
export class HandOver {
  readonly #options: HandOverOptions;
  #nextTransferId = 1;
  /** What the machine was asked for from here, until it has said how that ended. */
  #asked: AskedTransfer | null = null;
  /** Settles once a transfer has ended and no other is under way. */
  #over: Deferred<void> = deferred();

  constructor(options: HandOverOptions) {
    this.#options = options;
  }

  /** Settles as `Raft.transferLeadership` says. */
  transfer(target: NodeId | null): Promise<void> {
    const { role, leaderId } = this.#options.status();
    if (role !== 'leader') return Promise.reject(new NotLeaderError(leaderId));
    if (this.#isUnderWay) return Promise.reject(new TransferringError());
    return this.#begin(target).promise;
  }

  /** The machine ended a transfer, or did not begin it. */
  ended({ transferId, outcome, reason }: TransferEnd): void {
    const { role, leaderId, isTransferring } = this.#options.status();
    const asked = this.#asked;
    if (asked !== null && asked.transferId === transferId) {
      this.#asked = null;
      if (outcome === 'handed-over') asked.ended.resolve();
      else if (role === 'leader') asked.ended.reject(new TransferAbortedError(reason));
      else asked.ended.reject(new NotLeaderError(leaderId));
    }
    if (isTransferring || this.#asked !== null) return;
    this.#over.resolve();
    this.#over = deferred();
  }

  /** Joins a transfer under way, whoever began it; wherever it goes, this node is no leader when the deadline has passed. */
  abdicate(reason: string): void {
    const { clock, logger, status, onInput, abdicationMsMax, signal } = this.#options;
    const { role, term } = status();
    if (role !== 'leader') return;
    logger.warn('abdicating', { reason, term });
    const over = this.#over.promise;
    if (!this.#isUnderWay) this.#begin(null);
    const fallSilent = (): void => {
      const now = status();
      if (now.role === 'leader' && now.term === term) onInput({ kind: 'step-down' });
    };
    const deadline = clock.delay(abdicationMsMax, { signal });
    Promise.race([over, deadline]).then(fallSilent, fallSilent);
  }

  /** The node ends: whoever waits is told. */
  end(error: Error): void {
    this.#asked?.ended.reject(error);
    this.#asked = null;
  }

  get #isUnderWay(): boolean {
    return this.#asked !== null || this.#options.status().isTransferring;
  }

  #begin(target: NodeId | null): Deferred<void> {
    const ended = deferred();
    // Somebody may only want the hand-over, not its outcome.
    ended.promise.catch(() => undefined);
    const transferId = this.#nextTransferId;
    this.#nextTransferId += 1;
    this.#asked = { transferId, ended };
    this.#options.onInput({ kind: 'transfer-leadership', transferId, target });
    return ended;
  }
}
