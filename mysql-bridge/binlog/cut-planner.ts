import type { ScannedTransaction } from './binlog-file-scan.ts';
import { formatGtid, type Gtid } from './gtid.ts';

/** How many of the transactions to cut are named; all are counted. */
const namedMax = 1_000;

/** What of a file must go. `from` is where its first uncommitted transaction begins. */
export interface CutPlan {
  readonly from: bigint | null;
  readonly transactions: number;
  /** The first 1000 of them. */
  readonly gtids: readonly string[];
  readonly lastCommitted: Gtid | null;
}

/**
 * Decides, transaction by transaction in file order, where a binlog must be cut: in front of the first that is not
 * committed in the Raft log. The binlog and the log have one order (HAZARDS G6), so nothing committed may stand behind it.
 */
export class CutPlanner {
  readonly #isCommitted: (gtid: Gtid) => boolean;
  readonly #gtids: string[] = [];
  #from: bigint | null = null;
  #transactions = 0;
  #lastCommitted: Gtid | null = null;
  #contradiction: string | null = null;

  constructor(isCommitted: (gtid: Gtid) => boolean) {
    this.#isCommitted = isCommitted;
  }

  /** Why no cut is right; null when there is no such reason. */
  get contradiction(): string | null {
    return this.#contradiction;
  }

  get plan(): CutPlan {
    return {
      from: this.#from,
      transactions: this.#transactions,
      gtids: this.#gtids,
      lastCommitted: this.#lastCommitted,
    };
  }

  take({ gtid, start }: ScannedTransaction): void {
    if (!this.#isCommitted(gtid)) {
      this.#from ??= start;
      this.#transactions += 1;
      if (this.#gtids.length < namedMax) this.#gtids.push(formatGtid(gtid));
      return;
    }
    this.#lastCommitted = gtid;
    if (this.#from !== null) {
      this.#contradiction ??= `${formatGtid(gtid)} is committed and stands behind ${this.#gtids[0]}, which is not`;
    }
  }
}
