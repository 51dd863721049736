import { after, type Clock } from '../../base/clock.ts';
import { crc32 } from '../../base/crc32.ts';
import { type Deferred, deferred } from '../../base/deferred.ts';
import { messageOf } from '../../base/errors.ts';
import { endOnAssertion } from '../../base/fatal.ts';
import type { Logger } from '../../base/logger.ts';
import { type LogIndex, logIndex } from '../../raft/core/types.ts';
import type { Gtid } from '../binlog/gtid.ts';
import type { GtidSet } from '../binlog/gtid-set.ts';
import type { MissingTransaction } from '../bridge-parts.ts';
import type { CommittedMark } from './committed-marks.ts';
import { LedgerError } from './errors.ts';
import { type CheckpointFiles, readCheckpoint, writeCheckpoint } from './ledger-checkpoint.ts';
import { emptyRecord, type LedgerRecord, LedgerState } from './ledger-state.ts';
import { type ReadableLog, readLog } from './log-reader.ts';
import { type LoggedTransaction, TransactionScan } from './transaction-scan.ts';

export interface LedgerLimits {
  /** A checkpoint is written when this many entries were read since the last one. */
  readonly checkpointEntries: number;
  /** Entries between two marks. */
  readonly markEntries: number;
  readonly marksMax: number;
}

export const defaultLedgerLimits: LedgerLimits = {
  checkpointEntries: 20_000,
  markEntries: 4_096,
  marksMax: 2_048,
};

/** How late a replica may hear of a commit that came right behind another one; see `LedgerPace`. */
export const ledgerPauseMs = 10;

/**
 * A commit that comes alone is followed at once, and those behind it together, when the pause is over: several cost hardly more than one, here
 * and in the server that is fed, three of whose threads wake up for each time. Whoever asks `caughtUpTo` does not wait for a pause.
 */
export interface LedgerPace {
  readonly clock: Clock;
  readonly pauseMs: number;
}

export interface TransactionLedgerOptions {
  readonly raft: ReadableLog;
  /** Null keeps no checkpoint: each start reads the whole log. */
  readonly checkpointPath: string | null;
  /** For tests; the file system by default. */
  readonly checkpointFiles?: CheckpointFiles;
  readonly logger: Logger;
  readonly limits?: Partial<LedgerLimits>;
  /** Absent: each commit is followed at once. */
  readonly pace?: LedgerPace;
  /** The log cannot be read or understood any more; the node must not go on. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * What the committed part of the Raft log says about transactions: which are committed, and how far a server with a given
 * `gtid_executed` has come. It follows `commitIndex`, reads each committed entry once, and never an uncommitted one.
 */
export class TransactionLedger {
  readonly #raft: ReadableLog;
  readonly #logger: Logger;
  readonly #limits: LedgerLimits;
  readonly #checkpointPath: string | null;
  readonly #checkpointFiles: CheckpointFiles | undefined;
  readonly #onFailure: (error: unknown) => void;
  readonly #pace: LedgerPace | null;
  readonly #state: LedgerState;
  readonly #listeners = new Set<(ledgerIndex: LogIndex) => void>();
  readonly #waiting = new Set<{ readonly index: LogIndex; readonly reached: Deferred<void> }>();
  readonly #unsubscribe: () => void;
  /** The last answer of `indexOfApplied`: the next one is seldom far behind it. */
  #departure: CommittedMark | null = null;
  /**
   * Where the last scan ended, and the transaction that was missing there. While that one is being applied the question comes again
   * every second, and a transaction of hundreds of MiB must not be read from disk for each answer.
   */
  #lastMissing: { readonly mark: CommittedMark; readonly gtid: Gtid } | null = null;
  #checkpointIndex: LogIndex;
  #following: Promise<void> | null = null;
  /** Followed not long ago: the next commits are let gather. */
  #endPause: (() => void) | null = null;
  #checkpointing: Promise<void> = Promise.resolve();
  #stopped: LedgerError | null = null;

  /**
   * Reads the checkpoint, checks it against the log, and begins to follow. Entries above the checkpoint are read as they
   * are known to be committed, so ask `caughtUpTo` before anything that must be complete.
   * Rejects MYSQL_LEDGER_LOG_COMPACTED.
   */
  static async open(options: TransactionLedgerOptions): Promise<TransactionLedger> {
    const limits = { ...defaultLedgerLimits, ...options.limits };
    const record = await usableCheckpoint(options, limits);
    const { firstIndex } = options.raft.status;
    if (record === null && firstIndex > 1) {
      throw new LedgerError(
        'MYSQL_LEDGER_LOG_COMPACTED',
        `the log begins at ${firstIndex} and no usable checkpoint covers what was before; rebuild this node`,
      );
    }
    return new TransactionLedger(options, limits, record ?? emptyRecord(limits.marksMax));
  }

  private constructor(
    options: TransactionLedgerOptions,
    limits: LedgerLimits,
    record: LedgerRecord,
  ) {
    this.#raft = options.raft;
    this.#logger = options.logger;
    this.#limits = limits;
    this.#checkpointPath = options.checkpointPath;
    this.#checkpointFiles = options.checkpointFiles;
    this.#onFailure = options.onFailure;
    this.#pace = options.pace ?? null;
    this.#state = new LedgerState(record, limits);
    this.#checkpointIndex = record.settled.index;
    this.#unsubscribe = this.#raft.onChange(() => this.#follow());
    this.#follow();
  }

  /** The newest entry read; all up to it are committed. After a start it may be above Raft's own `commitIndex`. */
  get ledgerIndex(): LogIndex {
    return this.#state.index;
  }

  /** Over all entries up to `ledgerIndex`: equal on every node at the same index. */
  get logHash(): string {
    return this.#state.logHash;
  }

  /** A copy. */
  get committed(): GtidSet {
    return this.#state.committed.clone();
  }

  get lastTransaction(): LoggedTransaction | null {
    return this.#state.lastTransaction;
  }

  hasTransaction(gtid: Gtid): boolean {
    return this.#state.committed.has(gtid);
  }

  /**
   * Executed and not committed up to `ledgerIndex`. Once the ledger has caught up with everything that the server can
   * have executed, anything in it makes the server unfit to go on (HAZARDS G5, H26).
   */
  errantOf(executed: GtidSet): GtidSet {
    return executed.subtract(this.#state.committed);
  }

  /** Settles when everything up to `index` is committed and read. Rejects MYSQL_LEDGER_STOPPED, or with the signal's reason. */
  async caughtUpTo(
    index: LogIndex,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    options.signal?.throwIfAborted();
    if (this.#stopped !== null) throw this.#stopped;
    if (this.#state.index >= index) return;
    const waiter = { index, reached: deferred() };
    const abort = (): void => waiter.reached.reject(options.signal?.reason);
    options.signal?.addEventListener('abort', abort, { once: true });
    this.#waiting.add(waiter);
    this.#follow();
    try {
      await waiter.reached.promise;
    } finally {
      this.#waiting.delete(waiter);
      options.signal?.removeEventListener('abort', abort);
    }
  }

  /**
   * The highest index such that every transaction that begins at or below it is executed; entries without a transaction
   * count as applied, unfinished fragments at the end do not. Exact for any set, fast when `executed` grows between calls. Never above Raft's `commitIndex`.
   */
  async indexOfApplied(executed: GtidSet): Promise<LogIndex> {
    const mark = await this.#departureOf(executed);
    if (mark.index > (this.#departure?.index ?? 0)) this.#departure = mark;
    return logIndex(Math.min(mark.index, this.#raft.status.commitIndex));
  }

  /** The first transaction of the log that is missing in `executed`; null when there is none. */
  async missingIn(executed: GtidSet): Promise<MissingTransaction | null> {
    const mark = await this.#departureOf(executed);
    const missing = this.#lastMissing;
    if (missing?.mark !== mark) return null;
    const later = executed.subtract(mark.committed);
    return { gtid: missing.gtid, isGap: !later.subtract(this.errantOf(later)).isEmpty };
  }

  /** Where a stream for a replica with these transactions begins: the first entry it may not have. */
  async firstIndexToSend(executed: GtidSet): Promise<LogIndex> {
    const mark = await this.#departureOf(executed);
    return logIndex(mark.index + 1);
  }

  /** An index in front of this committed transaction, not far from it, that no transaction straddles; 0 is in front of all. */
  indexBefore(gtid: Gtid): LogIndex {
    return this.#state.marks.newestWithout(gtid)?.index ?? logIndex(0);
  }

  /** Calls back each time `ledgerIndex` grew. Returns the unsubscribe. */
  onAdvance(listener: (ledgerIndex: LogIndex) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Stops following and writes a last checkpoint. Idempotent. */
  async close(): Promise<void> {
    this.#stop(new LedgerError('MYSQL_LEDGER_STOPPED', 'the ledger is closed'));
    await this.#following;
    this.#checkpoint();
    await this.#checkpointing;
  }

  /** The last point at which everything is executed, and that no transaction straddles. */
  async #departureOf(executed: GtidSet): Promise<CommittedMark> {
    if (this.#stopped !== null) throw this.#stopped;
    const { settled, committed } = this.#state;
    if (committed.isSubsetOf(executed)) {
      return { index: settled.index, committed: committed.clone() };
    }
    const missing = this.#lastMissing;
    if (missing !== null && !executed.has(missing.gtid)) {
      if (missing.mark.committed.isSubsetOf(executed)) return missing.mark;
    }
    const from = this.#newestMarkWithin(executed);
    return await this.#scanForMissing(from, executed);
  }

  #newestMarkWithin(executed: GtidSet): CommittedMark {
    const start = { index: logIndex(0), committed: emptyRecord(4).committed };
    const marked = this.#state.marks.newestWithin(executed) ?? start;
    const recent = this.#departure;
    if (recent === null || recent.index <= marked.index) return marked;
    return recent.committed.isSubsetOf(executed) ? recent : marked;
  }

  /** `executed` misses something between `from` and the ledger's index, so the scan ends there. */
  async #scanForMissing(from: CommittedMark, executed: GtidSet): Promise<CommittedMark> {
    const scan = new TransactionScan(from.index);
    const committed = from.committed.clone();
    const last = this.#state.index;
    for await (const entries of readLog(this.#raft, { first: logIndex(from.index + 1), last })) {
      for (const entry of entries) {
        const transaction = scan.take(entry);
        if (transaction === null) continue;
        if (!executed.has(transaction.gtid)) {
          const mark = { index: logIndex(transaction.firstIndex - 1), committed };
          this.#lastMissing = { mark, gtid: transaction.gtid };
          return mark;
        }
        committed.add(transaction.gtid);
      }
    }
    // Only when the caller changed `executed` meanwhile.
    return { index: logIndex((scan.openFrom ?? last + 1) - 1), committed };
  }

  #follow(): void {
    if (this.#following !== null || this.#stopped !== null) return;
    if (this.#raft.status.commitIndex <= this.#state.index) return;
    if (this.#endPause !== null && this.#waiting.size === 0) return;
    this.#pause();
    this.#following = this.#catchUp()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#following = null;
        this.#follow();
      });
  }

  #pause(): void {
    if (this.#pace === null || this.#endPause !== null) return;
    const { clock, pauseMs } = this.#pace;
    this.#endPause = after(clock, pauseMs, () => {
      this.#endPause = null;
      this.#follow();
    });
  }

  async #catchUp(): Promise<void> {
    const range = {
      first: logIndex(this.#state.index + 1),
      last: this.#raft.status.commitIndex,
    };
    const isLong = range.last - range.first >= this.#limits.checkpointEntries;
    for await (const entries of readLog(this.#raft, range)) {
      for (const entry of entries) this.#state.take(entry);
      this.#advanced();
      if (this.#stopped !== null) return;
      if (this.#state.settled.index - this.#checkpointIndex >= this.#limits.checkpointEntries) {
        this.#checkpoint();
        if (isLong) this.#logger.info('ledger-reading', { index: this.#state.index, ...range });
      }
    }
  }

  #advanced(): void {
    const { index } = this.#state;
    for (const { index: wanted, reached } of this.#waiting) {
      if (wanted <= index) reached.resolve();
    }
    for (const listener of this.#listeners) listener(index);
  }

  #checkpoint(): void {
    const path = this.#checkpointPath;
    const { record } = this.#state;
    if (path === null || record.settled.index === this.#checkpointIndex) return;
    this.#checkpointIndex = record.settled.index;
    this.#checkpointing = this.#checkpointing
      .then(() => writeCheckpoint(path, record, this.#checkpointFiles))
      // A start without it takes longer, and nothing else.
      .catch((error: unknown) =>
        this.#logger.warn('ledger-checkpoint-not-written', { path, reason: messageOf(error) }),
      );
  }

  #fail(error: unknown): void {
    const reason = `the log cannot be followed behind ${this.#state.index}: ${messageOf(error)}`;
    this.#stop(new LedgerError('MYSQL_LEDGER_STOPPED', reason, { cause: error }));
    endOnAssertion(error);
    this.#onFailure(error);
  }

  #stop(reason: LedgerError): void {
    if (this.#stopped !== null) return;
    this.#stopped = reason;
    this.#endPause?.();
    this.#unsubscribe();
    this.#listeners.clear();
    for (const { reached } of this.#waiting) reached.reject(reason);
  }
}

/** The checkpoint, if there is one and it speaks of this log; null when the log must be read from its start. */
async function usableCheckpoint(
  { raft, checkpointPath, checkpointFiles: files, logger }: TransactionLedgerOptions,
  limits: LedgerLimits,
): Promise<LedgerRecord | null> {
  if (checkpointPath === null) return null;
  const finding = await readCheckpoint(checkpointPath, { marksMax: limits.marksMax, files });
  if (finding.kind === 'none') return null;
  const fault = finding.kind === 'unusable' ? finding.reason : await mismatch(raft, finding.record);
  if (finding.kind === 'found' && fault === null) return finding.record;
  logger.warn('ledger-checkpoint-refused', { path: checkpointPath, reason: fault });
  return null;
}

/** Why a checkpoint does not belong to this log; null when it does. */
async function mismatch(raft: ReadableLog, { settled }: LedgerRecord): Promise<string | null> {
  const { firstIndex, lastIndex } = raft.status;
  const { index } = settled;
  if (index > lastIndex) return `it covers log index ${index}, the log ends at ${lastIndex}`;
  if (index < firstIndex - 1)
    return `it covers log index ${index}, the log begins at ${firstIndex}`;
  // What stood at `firstIndex - 1` is gone; the log was cut there because it was covered.
  if (index === firstIndex - 1) return null;
  const [entry] = await raft.read({ first: index, last: index, bytesMax: 1 });
  if (entry?.term !== settled.term) {
    return `log index ${index} is of term ${entry?.term}, not ${settled.term}`;
  }
  return crc32(entry.payload) === settled.payloadCrc32
    ? null
    : `the payload at log index ${index} is another`;
}
