import type { Entry } from '../../raft/core/entry.ts';
import { type LogIndex, logIndex } from '../../raft/core/types.ts';
import { decodeEntryPayload } from '../binlog/entry-payload.ts';
import type { Gtid } from '../binlog/gtid.ts';
import type { LoggedContent, LoggedContents } from '../binlog-comparison.ts';
import { type ReadableLog, readLog } from './log-reader.ts';
import type { TransactionLedger } from './transaction-ledger.ts';
import { type LoggedTransaction, TransactionScan } from './transaction-scan.ts';

interface Step {
  readonly transaction: LoggedTransaction;
  /** The entry that completes it. */
  readonly final: Entry;
}

/**
 * Walks the committed log, once and forwards, from the first transaction that is asked for, and hands out what it holds. Long
 * stretches between two of them are leapt over by the ledger's marks.
 */
export class LogWalk implements LoggedContents {
  readonly #log: ReadableLog;
  readonly #ledger: Pick<TransactionLedger, 'ledgerIndex' | 'indexBefore'>;
  #scan: TransactionScan | null = null;
  /** The newest entry walked over. */
  #index = logIndex(0);
  #batches: AsyncGenerator<readonly Entry[]> | null = null;
  /** Read and not walked over yet. */
  #ahead: Entry[] = [];

  constructor(options: {
    readonly log: ReadableLog;
    readonly ledger: Pick<TransactionLedger, 'ledgerIndex' | 'indexBefore'>;
  }) {
    this.#log = options.log;
    this.#ledger = options.ledger;
  }

  async find(gtid: Gtid): Promise<LoggedContent> {
    // Most often it is the next one.
    const next = this.#scan === null ? null : await this.#next(this.#scan);
    if (next !== null && isOf(next, gtid)) return this.#found(next);
    const before = this.#ledger.indexBefore(gtid);
    if (before + 1 < this.#log.status.firstIndex) return { kind: 'compacted' };
    if (this.#scan === null || before > this.#index) this.#leap(before);
    for (;;) {
      const step = this.#scan === null ? null : await this.#next(this.#scan);
      if (step === null) return { kind: 'not-behind' };
      if (isOf(step, gtid)) return this.#found(step);
    }
  }

  #leap(after: LogIndex): void {
    this.#index = after;
    this.#scan = new TransactionScan(after);
    this.#batches = null;
    this.#ahead = [];
  }

  /** Null at the end of what is committed, which may have moved when it is called again. */
  async #next(scan: TransactionScan): Promise<Step | null> {
    for (;;) {
      const final = this.#ahead.pop();
      if (final === undefined) {
        if (await this.#readOn()) continue;
        return null;
      }
      this.#index = final.index;
      const transaction = scan.take(final);
      if (transaction !== null) return { transaction, final };
    }
  }

  async #readOn(): Promise<boolean> {
    let batch = await this.#batches?.next();
    if (batch === undefined || batch.done === true) {
      const range = { first: logIndex(this.#index + 1), last: this.#ledger.ledgerIndex };
      this.#batches = readLog(this.#log, range);
      batch = await this.#batches.next();
    }
    if (batch.done === true) return false;
    this.#ahead = batch.value.toReversed();
    return true;
  }

  #found({ transaction, final }: Step): LoggedContent {
    const { firstIndex, finalIndex } = transaction;
    if (firstIndex === finalIndex) return { kind: 'found', events: eventsOf([final]) };
    return { kind: 'found', events: this.#fragments(firstIndex, finalIndex) };
  }

  /** Read a second time: nobody holds a large transaction whole. */
  async *#fragments(first: LogIndex, last: LogIndex): AsyncGenerator<Uint8Array> {
    for await (const entries of readLog(this.#log, { first, last })) yield* eventsOf(entries);
  }
}

function* eventsOf(entries: readonly Entry[]): Generator<Uint8Array> {
  for (const { payload } of entries) yield decodeEntryPayload(payload).events;
}

function isOf({ transaction }: Step, gtid: Gtid): boolean {
  const found = transaction.gtid;
  return (
    found.number === gtid.number && found.serverUuid === gtid.serverUuid && found.tag === gtid.tag
  );
}
