import { assert } from '../base/assert.ts';
import type { OperationalError } from '../base/errors.ts';
import type { LogIndex } from '../raft/core/types.ts';
import type { LogBatch, LogStoreState } from '../raft/log-store.ts';
import { compacted, entryTooLarge } from './errors.ts';
import { GroupCommit } from './group-commit.ts';
import { entryPayloadBytesMax, groupBytesMax, queueBytesMax } from './limits.ts';
import { LogOutline, type TermRun } from './log-outline.ts';

/** What a store is asked to read, as in `LogStore.read`. */
export interface ReadRange {
  readonly first: LogIndex;
  readonly last: LogIndex;
  readonly bytesMax: number;
}

/** A batch with what it does to the log in front of it, known when it is accepted and not looked up again. */
export interface AcceptedBatch {
  readonly batch: LogBatch;
  /** The newest entry before the truncation of this batch, and the runs that it ends. */
  readonly lastIndexBefore: LogIndex;
  readonly endedRuns: readonly TermRun[];
  /** The oldest run once the snapshot of this batch took the place of what it covers; null without one, or when none is left. */
  readonly firstRun: TermRun | null;
  readonly begunRuns: readonly TermRun[];
}

/**
 * The part that every store has in common: which calls are taken, in which order they are written, and when a
 * read may start. It knows the log as it will be when all that was accepted is durable.
 */
export class AcceptedLog {
  readonly #outline: LogOutline;
  readonly #commits: GroupCommit<AcceptedBatch>;
  #latestWrite: Promise<void> = Promise.resolve();
  #truncationsWaiting = 0;
  #durableLastIndex: LogIndex;

  constructor(opened: LogStoreState, carryOut: (group: readonly AcceptedBatch[]) => Promise<void>) {
    this.#outline = new LogOutline(opened);
    this.#durableLastIndex = opened.lastIndex;
    this.#commits = new GroupCommit({ carryOut, groupBytesMax, queueBytesMax });
  }

  get outline(): LogOutline {
    return this.#outline;
  }

  get refusal(): OperationalError | null {
    return this.#commits.refusal;
  }

  /** A batch is refused before it changes anything, or it is valid behind all that was accepted before. */
  async write(batch: LogBatch): Promise<void> {
    const bytes = batch.entries.reduce((sum, { payload }) => sum + payload.length, 0);
    const refusal = oversized(batch) ?? this.#commits.admission(bytes);
    if (refusal !== null) throw refusal;
    const accepted = this.#accept(batch);
    const lastIndexAfter = this.#outline.lastIndex;
    if (truncates(accepted)) this.#truncationsWaiting += 1;
    const written = this.#commits.submit(accepted, bytes).then(() => {
      this.#durableLastIndex = lastIndexAfter;
      if (truncates(accepted)) this.#truncationsWaiting -= 1;
    });
    // Readers wait for this one, and learn of a failure from `refusal`.
    this.#latestWrite = written.catch(() => {});
    await written;
  }

  /**
   * Calls `start` once the range is durable and the outline tells its terms, at the same instant: what `start` looks at
   * before its first `await` is one state of the log. `last` is below `range.last` only if the range was truncated
   * while the call waited.
   */
  async read<Result>(
    range: ReadRange,
    start: (last: LogIndex) => Result | Promise<Result>,
  ): Promise<Result> {
    if (this.refusal !== null) throw this.refusal;
    const { lastIndex } = this.#outline;
    assert(
      range.first >= 1 && range.first <= range.last,
      `no range: ${range.first}..${range.last}`,
    );
    assert(
      range.last <= lastIndex,
      `entry ${range.last} was never written, the last is ${lastIndex}`,
    );
    this.#checkHeld(range.first);
    // While a truncation is under way the outline is ahead of the disk, and the disk may be ahead of its promise.
    while (this.#truncationsWaiting > 0 || this.#durableLastIndex < this.#outlineLast(range)) {
      await this.#latestWrite;
      if (this.refusal !== null) throw this.refusal;
      this.#checkHeld(range.first);
    }
    return start(this.#outlineLast(range));
  }

  fail(cause: OperationalError): void {
    this.#commits.fail(cause);
  }

  close(): Promise<void> {
    return this.#commits.close();
  }

  abandon(): void {
    this.#commits.abandon();
  }

  #accept(batch: LogBatch): AcceptedBatch {
    const lastIndexBefore = this.#outline.lastIndex;
    const endedRuns = batch.truncateFrom === null ? [] : this.#outline.truncate(batch.truncateFrom);
    if (batch.snapshot !== null) this.#outline.compact(batch.snapshot);
    const firstRun = batch.snapshot === null ? null : (this.#outline.termRuns[0] ?? null);
    const begunRuns = batch.entries
      .map((entry) => this.#outline.append(entry))
      .filter((run) => run !== null);
    return { batch, lastIndexBefore, endedRuns, firstRun, begunRuns };
  }

  #checkHeld(first: LogIndex): void {
    const { firstIndex } = this.#outline;
    if (first < firstIndex) throw compacted(first, firstIndex);
  }

  #outlineLast(range: ReadRange): LogIndex {
    const { lastIndex } = this.#outline;
    return range.last < lastIndex ? range.last : lastIndex;
  }
}

/** Whether entries are removed, and not only would be. */
export function truncates({ batch, lastIndexBefore }: AcceptedBatch): boolean {
  return batch.truncateFrom !== null && batch.truncateFrom <= lastIndexBefore;
}

function oversized(batch: LogBatch): OperationalError | null {
  const entry = batch.entries.find(({ payload }) => payload.length > entryPayloadBytesMax);
  if (entry === undefined) return null;
  return entryTooLarge(entry.index, entry.payload.length, entryPayloadBytesMax);
}
