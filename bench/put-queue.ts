import { deferred } from '../base/deferred.ts';
import {
  NotLeaderError,
  type ProposalReceipt,
  type Raft,
  type RaftStatus,
  type Term,
} from '../raft/index.ts';

/** As large transactions are cut by the binlog's assembler. */
const pieceBytesMax = 1024 * 1024;
/** Half of what a leader takes: the rest waits here. */
const uncommittedBytesMax = 8 * 1024 * 1024;

/** Where the last piece of a put stands in the log. */
export interface PutPlace {
  readonly index: number;
  readonly term: Term;
}

interface Piece {
  readonly payload: Uint8Array;
  /** Null for all pieces of a put but its last. */
  readonly settle: Settle | null;
}

interface Settle {
  resolve(place: PutPlace): void;
  reject(reason: unknown): void;
}

interface Proposed {
  readonly piece: Piece;
  readonly place: PutPlace;
}

/**
 * Proposes what arrives in one go of the event loop together, as the binlog tail does with a group of commits, and settles each put
 * when the log has it on a majority. Of a put larger than an entry the pieces are proposed as far as a leader takes them.
 */
export class PutQueue {
  readonly #raft: Raft;
  readonly #waiting: Piece[] = [];
  /** In the order of the log. */
  readonly #proposed: Proposed[] = [];
  #uncommittedBytes = 0;
  #isFlushDue = false;

  constructor(raft: Raft) {
    this.#raft = raft;
    raft.onChange((status) => this.#follow(status));
  }

  /** Rejects RAFT_NOT_LEADER when this member does not, or does not any more, lead: whether it is in the log is then unknown. */
  put(payload: Uint8Array): Promise<PutPlace> {
    const { promise, resolve, reject } = deferred<PutPlace>();
    for (let from = 0; ; from += pieceBytesMax) {
      const isLast = from + pieceBytesMax >= payload.length;
      const piece = payload.subarray(from, from + pieceBytesMax);
      this.#waiting.push({ payload: piece, settle: isLast ? { resolve, reject } : null });
      if (isLast) break;
    }
    this.#flushSoon();
    return promise;
  }

  /** Behind the sockets that have something to read: what they bring belongs to the same proposal. */
  #flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    setImmediate(() => {
      this.#isFlushDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    const pieces = this.#takeRoom();
    if (pieces.length === 0) return;
    try {
      const receipt = this.#raft.propose(pieces.map(({ payload }) => payload));
      this.#remember(pieces, receipt);
    } catch (thrown) {
      this.#rejectAll(thrown, pieces);
    }
  }

  #takeRoom(): readonly Piece[] {
    let count = 0;
    for (const { payload } of this.#waiting) {
      if (this.#uncommittedBytes + payload.length > uncommittedBytesMax) break;
      this.#uncommittedBytes += payload.length;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  #remember(pieces: readonly Piece[], { firstIndex, term }: ProposalReceipt): void {
    for (const [offset, piece] of pieces.entries()) {
      this.#proposed.push({ piece, place: { index: firstIndex + offset, term } });
    }
  }

  #follow(status: RaftStatus): void {
    const [oldest] = this.#proposed;
    if (oldest === undefined) return;
    if (status.role !== 'leader' || status.term !== oldest.place.term) {
      this.#rejectAll(new NotLeaderError(status.leaderId), []);
      return;
    }
    const open = this.#proposed.findIndex(({ place }) => place.index > status.commitIndex);
    const committed = this.#proposed.splice(0, open === -1 ? this.#proposed.length : open);
    for (const { piece, place } of committed) {
      this.#uncommittedBytes -= piece.payload.length;
      piece.settle?.resolve(place);
    }
    if (this.#waiting.length > 0) this.#flushSoon();
  }

  /** Pieces of one put may be on both sides: none of what is under way has a known outcome. */
  #rejectAll(reason: unknown, taken: readonly Piece[]): void {
    const proposed = this.#proposed.splice(0).map(({ piece }) => piece);
    const waiting = this.#waiting.splice(0);
    this.#uncommittedBytes = 0;
    for (const { settle } of [...proposed, ...taken, ...waiting]) settle?.reject(reason);
  }
}
