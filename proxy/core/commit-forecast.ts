/**
 * Whether a command will commit something, as far as can be told from how it begins. A commit is a quorum round itself, so a round
 * of heartbeats for its answer would be one too many. Nothing depends on it but speed: an answer that no commit has confirmed waits
 * for a round that is asked for then.
 */
export interface CommitForecast {
  /** `head` as `headOf` made it. */
  expectsCommit(head: number): boolean;
  learn(head: number, hasCommitted: boolean): void;
}

/** Enough for `INSERT I` of a text and for the number of a prepared statement. */
const headBytes = 9;
/** Beginnings remembered at once; a power of two. */
const slots = 64;

/** Of the log-in, and of whatever is not asked about. */
export const noHead = 0;

/**
 * A number for the first bytes of a command, its code among them, and for whether a transaction is open. FNV-1a, never `noHead`. Two
 * commands of one number cost a wrong guess at worst.
 */
export function headOf(payload: Uint8Array, inTransaction: boolean): number {
  let hash = inTransaction ? 0x811c9dc5 : 0x050c5d1f;
  const end = Math.min(payload.length, headBytes);
  for (let index = 0; index < end; index += 1) {
    hash = Math.imul(hash ^ (payload[index] ?? 0), 0x01000193);
  }
  return hash === noHead ? 1 : hash;
}

/** Expects what was last time. A command that was never seen is taken for one that commits nothing. */
export class LearnedForecast implements CommitForecast {
  /** Heads that committed something the last time. */
  readonly #heads = new Int32Array(slots);

  expectsCommit(head: number): boolean {
    return head !== noHead && this.#heads[head & (slots - 1)] === head;
  }

  learn(head: number, hasCommitted: boolean): void {
    if (head === noHead) return;
    if (hasCommitted) this.#heads[head & (slots - 1)] = head;
    else if (this.expectsCommit(head)) this.#heads[head & (slots - 1)] = noHead;
  }
}
