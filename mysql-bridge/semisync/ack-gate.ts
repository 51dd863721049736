import { assert, assertNever } from '../../base/assert.ts';
import type { LogIndex, Term } from '../../raft/core/types.ts';
import type { BinlogPosition } from '../binlog/position.ts';

/** Facts for the gate, in the order in which they became true. */
export type AckGateInput =
  | {
      /** A whole transaction came in and was proposed; `lastIndex` is its final entry, `term` the receipt's. */
      readonly kind: 'received';
      readonly position: BinlogPosition;
      readonly lastIndex: LogIndex;
      readonly term: Term;
      readonly needsAck: boolean;
    }
  | {
      /** The commit index of this node while it led in `term`. */
      readonly kind: 'committed';
      readonly commitIndex: LogIndex;
      readonly term: Term;
    }
  | { readonly kind: 'leadership-ended' };

/** Send this ack on the connection that the position came from. */
export interface AckEffect {
  readonly kind: 'ack';
  readonly position: BinlogPosition;
}

interface Pending {
  readonly position: BinlogPosition;
  /** The transaction, and all received before it, are committed when this index is. */
  readonly index: number;
}

/** More waiting commits than a server has connections (`max_connections` is at most 100 000). */
const pendingMaxDefault = 131_072;

const nothing: readonly AckEffect[] = [];

/**
 * Decides which semisync ack may be sent; one gate per dump connection and term. An ack is cumulative, so it names a
 * position only when every transaction up to it is committed under this leadership (HAZARDS G1). Once the leadership
 * ended the gate stays shut for ever (G7): mysqld is killed with its waiters, which then never existed. Positions are
 * only ever compared by the order in which this connection sent them (H35).
 */
export class AckGate {
  readonly #term: Term;
  readonly #pendingMax: number;
  /** Waiting transactions in the order received; `#head` is the first not yet acked. */
  readonly #pending: Pending[] = [];
  #head = 0;
  #highestIndex = 0;
  #commitIndex = 0;
  #isOpen = true;

  constructor(options: { readonly term: Term; readonly pendingMax?: number }) {
    this.#term = options.term;
    this.#pendingMax = options.pendingMax ?? pendingMaxDefault;
    assert(this.#pendingMax >= 1, 'a gate remembers at least one waiting transaction');
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Transactions that wait for their ack. */
  get pendingCount(): number {
    return this.#pending.length - this.#head;
  }

  step(input: AckGateInput): readonly AckEffect[] {
    if (!this.#isOpen) return nothing;
    switch (input.kind) {
      case 'received':
        // A later ack would cover this one too: what was proposed in another term shuts the gate.
        if (input.term !== this.#term) return this.#shut();
        return this.#receive(input);
      case 'committed':
        if (input.term > this.#term) return this.#shut();
        if (input.term < this.#term) return nothing;
        this.#commitIndex = Math.max(this.#commitIndex, input.commitIndex);
        return this.#release();
      case 'leadership-ended':
        return this.#shut();
      default:
        return assertNever(input);
    }
  }

  #receive(input: Extract<AckGateInput, { kind: 'received' }>): readonly AckEffect[] {
    // The highest index so far, so that "committed" means this transaction and all before it.
    this.#highestIndex = Math.max(this.#highestIndex, input.lastIndex);
    if (!input.needsAck) return nothing;
    // When full the newest two share an ack: the earlier one waits longer, and nothing is refused or forgotten.
    if (this.pendingCount >= this.#pendingMax) this.#pending.pop();
    this.#pending.push({ position: input.position, index: this.#highestIndex });
    return this.#release();
  }

  #release(): readonly AckEffect[] {
    let position: BinlogPosition | null = null;
    for (;;) {
      const next = this.#pending[this.#head];
      if (next === undefined || next.index > this.#commitIndex) break;
      position = next.position;
      this.#head += 1;
    }
    if (position === null) return nothing;
    // Copying only once half is waste keeps the cost per transaction constant.
    if (this.#head * 2 >= this.#pending.length) {
      this.#pending.splice(0, this.#head);
      this.#head = 0;
    }
    return [{ kind: 'ack', position }];
  }

  #shut(): readonly AckEffect[] {
    this.#isOpen = false;
    this.#pending.length = 0;
    this.#head = 0;
    return nothing;
  }
}
