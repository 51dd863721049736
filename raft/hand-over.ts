import type { Clock } from '../base/clock.ts';
import { type Deferred, deferred } from '../base/deferred.ts';
import type { Logger } from '../base/logger.ts';
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

/** Gives leadership away: to a chosen node while a caller waits, or to whoever is best, at once. One at a time. */
export class HandOver {
  readonly #options: HandOverOptions;
  #transfer: Deferred<void> | null = null;

  constructor(options: HandOverOptions) {
    this.#options = options;
  }

  /** Settles as `Raft.transferLeadership` says. */
  transfer(target: NodeId | null): Promise<void> {
    const { role, leaderId } = this.#options.status();
    if (role !== 'leader') return Promise.reject(new NotLeaderError(leaderId));
    if (this.#transfer !== null) return Promise.reject(new TransferringError());
    return this.#begin(target).promise;
  }

  /** The machine ended the transfer it was asked for. */
  ended(outcome: 'handed-over' | 'aborted' | 'rejected', reason: string): void {
    const transfer = this.#transfer;
    this.#transfer = null;
    if (transfer === null) return;
    const { role, leaderId } = this.#options.status();
    if (outcome === 'handed-over') transfer.resolve();
    else if (role === 'leader') transfer.reject(new TransferAbortedError(reason));
    else transfer.reject(new NotLeaderError(leaderId));
  }

  /** Joins a transfer under way; whoever it goes to, this node is no leader when the deadline has passed. */
  abdicate(reason: string): void {
    const { clock, logger, status, onInput, abdicationMsMax, signal } = this.#options;
    const { role, term } = status();
    if (role !== 'leader') return;
    logger.warn('abdicating', { reason, term });
    const transfer = this.#transfer ?? this.#begin(null);
    const fallSilent = (): void => {
      const now = status();
      if (now.role === 'leader' && now.term === term) onInput({ kind: 'step-down' });
    };
    const deadline = clock.delay(abdicationMsMax, { signal });
    Promise.race([transfer.promise, deadline]).then(fallSilent, fallSilent);
  }

  /** The node ends: whoever waits is told. */
  end(error: Error): void {
    this.#transfer?.reject(error);
    this.#transfer = null;
  }

  #begin(target: NodeId | null): Deferred<void> {
    const transfer = deferred();
    // Somebody may only want the hand-over, not its outcome.
    transfer.promise.catch(() => undefined);
    this.#transfer = transfer;
    this.#options.onInput({ kind: 'transfer-leadership', target });
    return transfer;
  }
}
