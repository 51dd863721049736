import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Input } from './core/inputs.ts';
import type { LogIndex } from './core/types.ts';
import type { RaftStatus } from './raft-api.ts';

export interface LeaderWatchOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly electionMsMin: number;
  readonly electionMsMax: number;
  readonly status: () => RaftStatus;
  /** When the write to the log that is in flight began; null when there is none. */
  readonly writeInFlightSinceMs: () => number | null;
  readonly readIndex: () => Promise<LogIndex>;
  readonly abdicate: (reason: string) => void;
  readonly onInput: (input: Input) => void;
  /** Aborted when the node ends. */
  readonly signal: AbortSignal;
}

/** What the machine cannot see, because it counts ticks and knows no disk: a log that hangs, a process that was stopped. */
export class LeaderWatch {
  readonly #options: LeaderWatchOptions;

  constructor(options: LeaderWatchOptions) {
    this.#options = options;
  }

  /**
   * A leader that cannot write must not go on leading, however well its heartbeats travel (HAZARDS R11). Its successor needs
   * nothing from this disk: what committed is on a majority, and that need not include this node. Two election timeouts,
   * because a busy disk may take hundreds of milliseconds over a large batch, and a successor's is often no better.
   */
  tick(): void {
    const sinceMs = this.#options.writeInFlightSinceMs();
    const { role, isTransferring } = this.#options.status();
    if (sinceMs === null || role !== 'leader' || isTransferring) return;
    const ageMs = this.#options.clock.monotonicMs() - sinceMs;
    if (ageMs <= 2 * this.#options.electionMsMax) return;
    this.#options.abdicate(`a write to the log has not ended for ${Math.round(ageMs)} ms`);
  }

  /**
   * After a pause longer than the shortest election timeout another leader may exist. Reads are safe already, since each waits for
   * a round begun after it; but a leader that cannot get one now should not wait for its next check of the quorum to
   * say so.
   */
  stalled(stalledMs: number): void {
    const { clock, logger, electionMsMin, status, onInput, signal } = this.#options;
    if (stalledMs < electionMsMin) return;
    logger.warn('stalled', { stalledMs: Math.round(stalledMs) });
    const { role, term } = status();
    if (role !== 'leader') return;
    const deadline = clock.delay(electionMsMin, { signal }).then(() => 'late' as const);
    Promise.race([this.#options.readIndex(), deadline]).then(
      (outcome) => {
        const now = status();
        const stillLeads = now.role === 'leader' && now.term === term;
        if (outcome === 'late' && stillLeads) onInput({ kind: 'step-down' });
      },
      // Rejected: this node no longer leads, or is closing.
      () => undefined,
    );
  }
}
