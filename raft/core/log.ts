import { assert } from '../../base/assert.ts';
import type { Entry } from './entry.ts';
import { EntrySizes } from './entry-sizes.ts';
import { entryOverheadBytes, rememberedSizesMax } from './limits.ts';
import type { SnapshotMeta } from './snapshot.ts';
import { logStart, type TermRun, TermRuns } from './term-runs.ts';
import { type EntryId, type HardState, type LogIndex, logIndex, type Term } from './types.ts';

/** What a machine starts from: all that its log store found at open, without payloads. */
export interface RestoredState {
  readonly hardState: HardState;
  /** What stands for the entries before `firstIndex`; null when the log begins at 1. */
  readonly snapshot: SnapshotMeta | null;
  readonly firstIndex: LogIndex;
  readonly lastIndex: LogIndex;
  readonly termRuns: readonly TermRun[];
  /** The newest membership entries held, ascending; two are enough, since only the newest can be truncated. */
  readonly membershipEntries: readonly Entry[];
}

/**
 * The pointers of the Raft log and their laws; the payloads are elsewhere.
 *
 * Invariant: `appliedIndex ≤ commitIndex ≤ lastIndex`; the first two never decrease, and a truncation never reaches
 * down to `commitIndex`. `commitIndex ≤ persistedIndex` need not hold: the quorum that committed may be other nodes. What was
 * compacted away was applied: `firstIndex ≤ appliedIndex + 1`.
 */
export class RaftLog {
  readonly #runs: TermRuns;
  readonly #sizes: EntrySizes;
  #snapshot: SnapshotMeta | null;
  #commitIndex: LogIndex;
  /**
   * As told by the local MySQL, which after a restart knows more than Raft has yet learnt to be committed, and which begins anew when
   * it was built anew. Null before it was heard from.
   */
  #reportedAppliedIndex: LogIndex | null = null;
  /** The highest of them: what was in effect once was committed, whatever became of the server. */
  #appliedOnce: LogIndex = logIndex(0);

  constructor(restored: RestoredState) {
    this.#snapshot = restored.snapshot;
    this.#runs = new TermRuns(restored.snapshot?.last ?? logStart);
    this.#commitIndex = this.base.index;
    assert(restored.firstIndex === this.firstIndex, 'a log begins right behind its snapshot');
    for (const [position, run] of restored.termRuns.entries()) {
      const next = restored.termRuns[position + 1]?.firstIndex ?? restored.lastIndex + 1;
      assert(run.firstIndex === this.lastIndex + 1, `the run of term ${run.term} leaves no hole`);
      this.#runs.extend(run.term, logIndex(next - 1));
    }
    assert(this.lastIndex === restored.lastIndex, 'the term runs cover the whole log');
    this.#sizes = new EntrySizes({ capacity: rememberedSizesMax, lastIndex: this.lastIndex });
  }

  /** What takes the place of the entries that were compacted away; null when none were. */
  get snapshot(): SnapshotMeta | null {
    return this.#snapshot;
  }

  /** The newest entry that was compacted away: committed, applied, and equal in every log that has one at its place. */
  get base(): EntryId {
    return this.#runs.base;
  }

  /** Oldest entry held, if any is. */
  get firstIndex(): LogIndex {
    return logIndex(this.base.index + 1);
  }

  get last(): EntryId {
    return this.#runs.last;
  }

  get lastIndex(): LogIndex {
    return this.#runs.lastIndex;
  }

  get commitIndex(): LogIndex {
    return this.#commitIndex;
  }

  get appliedIndex(): LogIndex {
    const applied = Math.max(this.#appliedOnce, this.base.index);
    return logIndex(Math.min(applied, this.#commitIndex));
  }

  /**
   * How far the local MySQL is now, without waiting to learn what is committed: what it has applied was. Goes back with a server that was
   * built anew, and must: who has all to apply again is the last that should lead. Null while it was not heard from.
   */
  get reportedAppliedIndex(): LogIndex | null {
    const reported = this.#reportedAppliedIndex;
    if (reported === null) return null;
    return logIndex(Math.min(Math.max(reported, this.base.index), this.lastIndex));
  }

  /** The term at `index`, from the base on: 0 before the very first entry. Null before the base and past the last. */
  termAt(index: LogIndex): Term | null {
    return this.#runs.termAt(index);
  }

  /** The entry at an index that is known to be in the log. */
  idAt(index: LogIndex): EntryId {
    const found = this.termAt(index);
    assert(found !== null, `log index ${index} is not in ${this.base.index}..${this.lastIndex}`);
    return { term: found, index };
  }

  holds(id: EntryId): boolean {
    return this.termAt(id.index) === id.term;
  }

  /** Null when it was compacted away. */
  newestWithin(index: LogIndex, termMax: Term): EntryId | null {
    return this.#runs.newestWithin(index, termMax);
  }

  append(entries: readonly Entry[]): void {
    for (const entry of entries) {
      assert(entry.index === this.lastIndex + 1, `entry ${entry.index} follows ${this.lastIndex}`);
      this.#runs.extend(entry.term, entry.index);
      this.#sizes.push(entry.index, entry.payload.length);
    }
  }

  truncateFrom(index: LogIndex): void {
    assert(index > this.#commitIndex, `entry ${index} is committed and stays`);
    this.#runs.truncateFrom(index);
    this.#sizes.truncateFrom(index);
  }

  /** Drops the entries up to `snapshot.last`, which is held and committed. */
  compact(snapshot: SnapshotMeta): void {
    const { last } = snapshot;
    assert(last.index <= this.#commitIndex, `entry ${last.index} is not committed and stays`);
    assert(this.holds(last), `entry ${last.index} is of another term than its snapshot`);
    this.#snapshot = snapshot;
    this.#runs.compactTo(last.index);
  }

  /** Drops everything: a snapshot of a later state takes its place (Raft thesis figure 5.3). */
  reset(snapshot: SnapshotMeta): void {
    const { last } = snapshot;
    assert(last.index > this.#commitIndex, `snapshot ${last.index} is of an older state`);
    assert(!this.holds(last), `the log holds entry ${last.index}, so it stays`);
    this.#snapshot = snapshot;
    this.#runs.resetTo(last);
    this.#sizes.resetTo(last.index);
    this.#commitIndex = last.index;
    this.reportApplied(last.index);
  }

  /** Invariant: what is committed stays so; the index never goes back. */
  commitTo(index: LogIndex): void {
    assert(index >= this.#commitIndex, `commit index goes back to ${index}`);
    assert(index <= this.lastIndex, `commit index ${index} is past the last ${this.lastIndex}`);
    this.#commitIndex = index;
  }

  reportApplied(index: LogIndex): void {
    this.#reportedAppliedIndex = index;
    if (index > this.#appliedOnce) this.#appliedOnce = index;
  }

  /** How many bytes an entry takes in an append; `unknownBytes` when that was never seen. */
  costAt(index: number, unknownBytes: number): number {
    return (this.#sizes.at(index) ?? unknownBytes) + entryOverheadBytes;
  }
}
