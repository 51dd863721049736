import { codeOf } from '../base/errors.ts';
import type { LogIndex, Term } from '../raft/core/types.ts';
import type { ProposalReceipt } from '../raft/raft-api.ts';
import type { BinlogPosition } from './binlog/position.ts';

/** Where a whole transaction ends in the server's binlog, and whether its commit waits there. */
export interface TransactionEnd {
  readonly position: BinlogPosition;
  readonly needsAck: boolean;
  /** For who measures: see `TimedCommit`. */
  readonly receivedAtMs: number;
  readonly connectionId: number;
}

interface Waiting {
  readonly encoded: Uint8Array;
  end: TransactionEnd | null;
}

/** A final payload now has a place in the log. */
export interface ProposedTransaction extends TransactionEnd {
  readonly lastIndex: LogIndex;
  readonly term: Term;
}

export type FlushOutcome =
  | { readonly kind: 'empty' }
  /** Raft has too much in flight; to be tried again after a commit. */
  | { readonly kind: 'waiting' }
  /** This node does not lead, hands leadership over, or leads in another term: nothing more may be proposed. */
  | { readonly kind: 'not-leading'; readonly reason: string };

const batchBytesMax = 4 * 1024 * 1024;
const batchPayloadsMax = 1024;

/**
 * Payloads in the order received that Raft has not accepted yet. All that waits goes in as few proposals as limits allow;
 * nothing is lost or reordered when Raft says no.
 */
export class ProposalOutbox {
  readonly #propose: (payloads: readonly Uint8Array[]) => ProposalReceipt;
  readonly #term: Term;
  readonly #waiting: Waiting[] = [];
  #bytes = 0;
  #isFlushing = false;

  constructor(term: Term, propose: (payloads: readonly Uint8Array[]) => ProposalReceipt) {
    this.#term = term;
    this.#propose = propose;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whole transactions that wait here. */
  get transactions(): number {
    return this.#waiting.filter((each) => each.end !== null).length;
  }

  add(encoded: Uint8Array): void {
    this.#waiting.push({ encoded, end: null });
    this.#bytes += encoded.length;
  }

  /** The payload added last completes its transaction. */
  endTransaction(end: TransactionEnd): void {
    const last = this.#waiting.at(-1);
    if (last !== undefined) last.end = end;
  }

  /** Proposes what Raft takes; tells of each transaction that got its place, in order. */
  flush(onProposed: (transaction: ProposedTransaction) => void): FlushOutcome {
    // Who is told of a proposal may ask for a flush himself: the one under way takes what waits, in order.
    if (this.#isFlushing) return { kind: 'waiting' };
    this.#isFlushing = true;
    try {
      return this.#flush(onProposed);
    } finally {
      this.#isFlushing = false;
    }
  }

  #flush(onProposed: (transaction: ProposedTransaction) => void): FlushOutcome {
    while (this.#waiting.length > 0) {
      const batch = this.#nextBatch();
      let receipt: ProposalReceipt;
      try {
        receipt = this.#propose(batch.map((each) => each.encoded));
      } catch (thrown) {
        const code = codeOf(thrown);
        if (code === 'RAFT_TOO_MANY_IN_FLIGHT') return { kind: 'waiting' };
        if (
          code === 'RAFT_NOT_LEADER' ||
          code === 'RAFT_TRANSFERRING' ||
          code === 'RAFT_SHUTTING_DOWN'
        ) {
          return { kind: 'not-leading', reason: code };
        }
        throw thrown;
      }
      if (receipt.term !== this.#term) {
        return {
          kind: 'not-leading',
          reason: `proposed in term ${receipt.term}, not ${this.#term}`,
        };
      }
      this.#waiting.splice(0, batch.length);
      batch.forEach((each, offset) => {
        this.#bytes -= each.encoded.length;
        if (each.end === null) return;
        const lastIndex = (receipt.firstIndex + offset) as LogIndex;
        onProposed({ ...each.end, lastIndex, term: receipt.term });
      });
    }
    return { kind: 'empty' };
  }

  #nextBatch(): readonly Waiting[] {
    let bytes = 0;
    let length = 0;
    for (const { encoded } of this.#waiting.slice(0, batchPayloadsMax)) {
      bytes += encoded.length;
      if (length > 0 && bytes > batchBytesMax) break;
      length += 1;
    }
    return this.#waiting.slice(0, length);
  }
}
