import { assert } from '../../base/assert.ts';
import type { Entry } from '../../raft/core/entry.ts';
import { type LogIndex, logIndex, type Term, term } from '../../raft/core/types.ts';
import { formatGtid } from '../binlog/gtid.ts';
import { GtidSet } from '../binlog/gtid-set.ts';
import { CommittedMarks } from './committed-marks.ts';
import { LogHash } from './log-hash.ts';
import { type LoggedTransaction, TransactionScan } from './transaction-scan.ts';

/** The newest index that no transaction straddles, and what identifies the log up to there. */
export interface SettledPoint {
  readonly index: LogIndex;
  readonly term: Term;
  /** CRC-32 of the payload at `index`. */
  readonly payloadCrc32: number;
  readonly logHash: string;
}

/** All that is kept of the log up to a settled point. */
export interface LedgerRecord {
  readonly settled: SettledPoint;
  readonly committed: GtidSet;
  readonly transactionCount: number;
  readonly lastTransaction: LoggedTransaction | null;
  readonly marks: CommittedMarks;
}

export interface MarkLimits {
  /** Entries between two marks, at least. */
  readonly markEntries: number;
  readonly marksMax: number;
}

/** What is known before the first entry. */
export function emptyRecord(marksMax: number): LedgerRecord {
  return {
    settled: { index: logIndex(0), term: term(0), payloadCrc32: 0, logHash: new LogHash().hex },
    committed: new GtidSet(),
    transactionCount: 0,
    lastTransaction: null,
    marks: new CommittedMarks(marksMax),
  };
}

/** The sum of the committed entries: a function of the log alone, without clock or disk. */
export class LedgerState {
  readonly #markEntries: number;
  readonly #committed: GtidSet;
  readonly #marks: CommittedMarks;
  readonly #hash: LogHash;
  readonly #scan: TransactionScan;
  #index: LogIndex;
  #settled: SettledPoint;
  #transactionCount: number;
  #lastTransaction: LoggedTransaction | null;

  constructor(from: LedgerRecord, limits: MarkLimits) {
    this.#markEntries = limits.markEntries;
    this.#committed = from.committed.clone();
    this.#marks = from.marks;
    this.#hash = new LogHash(from.settled.logHash);
    this.#scan = new TransactionScan(from.settled.index);
    this.#index = from.settled.index;
    this.#settled = from.settled;
    this.#transactionCount = from.transactionCount;
    this.#lastTransaction = from.lastTransaction;
  }

  get index(): LogIndex {
    return this.#index;
  }

  /** Up to `index`. */
  get logHash(): string {
    return this.#hash.hex;
  }

  get settled(): SettledPoint {
    return this.#settled;
  }

  /** Owned by the ledger: it grows; who keeps it clones it. */
  get committed(): GtidSet {
    return this.#committed;
  }

  get marks(): CommittedMarks {
    return this.#marks;
  }

  get lastTransaction(): LoggedTransaction | null {
    return this.#lastTransaction;
  }

  /** A copy that later entries do not change. No transaction ends between the settled point and `index`. */
  get record(): LedgerRecord {
    return {
      settled: this.#settled,
      committed: this.#committed.clone(),
      transactionCount: this.#transactionCount,
      lastTransaction: this.#lastTransaction,
      marks: this.#marks,
    };
  }

  /** The next committed entry. Throws `BinlogError` MYSQL_ENTRY_PAYLOAD_MALFORMED. */
  take(entry: Entry): LoggedTransaction | null {
    const transaction = this.#scan.take(entry);
    const payloadCrc32 = this.#hash.take(entry);
    this.#index = entry.index;
    if (transaction !== null) this.#commit(transaction);
    if (this.#scan.openFrom === null) this.#settle(entry, payloadCrc32);
    return transaction;
  }

  #commit(transaction: LoggedTransaction): void {
    const { gtid, finalIndex } = transaction;
    // Invariant (HAZARDS G6): a GTID names one transaction for ever, so it commits once.
    assert(
      !this.#committed.has(gtid),
      `transaction ${formatGtid(gtid)} is committed a second time at log index ${finalIndex}`,
    );
    this.#committed.add(gtid);
    this.#transactionCount += 1;
    this.#lastTransaction = transaction;
  }

  #settle({ index, term: entryTerm }: Entry, payloadCrc32: number): void {
    this.#settled = { index, term: entryTerm, payloadCrc32, logHash: this.#hash.hex };
    const marked = this.#marks.newest?.index ?? 0;
    if (index - marked < this.#markEntries) return;
    this.#marks.add({ index, committed: this.#committed.clone() });
  }
}
