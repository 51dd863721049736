import type { LogIndex, Term } from '../raft/core/types.ts';
import type { ProposalReceipt } from '../raft/raft-api.ts';
import type { SharedGate } from './shared-gate.ts';

/** Proposals followed at once; one beyond that confirms nothing, which costs its client a round and no more. */
const pendingMax = 1024;

interface Pending {
  readonly round: bigint;
  readonly term: Term;
  readonly lastIndex: LogIndex;
}

/**
 * Main thread: commits as quorum rounds. An entry that was proposed in a term and is committed by the leader of that term was taken by a
 * majority that followed this leader then, after the proposal: what a round of heartbeats begun at the proposal would have shown
 * (Raft thesis §6.4). A write therefore confirms its own answer, and all that came before its proposal.
 */
export class CommitRounds {
  readonly #gate: SharedGate;
  readonly #onConfirmed: () => void;
  /** In the order of the log. */
  readonly #pending: Pending[] = [];

  constructor(gate: SharedGate, onConfirmed: () => void) {
    this.#gate = gate;
    this.#onConfirmed = onConfirmed;
  }

  /** Proposes. The round is counted as started before anything of it can be on its way. */
  propose(propose: () => ProposalReceipt): ProposalReceipt {
    const round = this.#gate.beginRound();
    const receipt = propose();
    const { term, firstIndex, count } = receipt;
    if (this.#pending.length < pendingMax) {
      this.#pending.push({ round, term, lastIndex: (firstIndex + count - 1) as LogIndex });
    }
    return receipt;
  }

  /** This node leads in `term` and has committed so far. Before the acks that let the answers come. */
  committed(commitIndex: LogIndex, term: Term): void {
    let round: bigint | null = null;
    let done = 0;
    for (const pending of this.#pending) {
      const isCommitted = pending.term === term && pending.lastIndex <= commitIndex;
      if (!isCommitted && pending.term >= term) break;
      // What was proposed in an earlier term may have been replaced since: it confirms nothing.
      if (isCommitted) round = pending.round;
      done += 1;
    }
    this.#pending.splice(0, done);
    if (round === null) return;
    this.#gate.confirmRound(round);
    this.#onConfirmed();
  }
}
