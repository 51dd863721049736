import { assert } from '../../base/assert.ts';
import type { Entry } from './entry.ts';
import { EntrySizes } from './entry-sizes.ts';
import { entryOverheadBytes, rememberedSizesMax } from './limits.ts';
import { type TermRun, TermRuns } from './term-runs.ts';
import { type EntryId, type HardState, type LogIndex, logIndex, type Term } from './types.ts';

/** What a machine starts from: all that its log store found at open, without payloads. */
export interface RestoredState {
  readonly hardState: HardState;
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
 * down to `commitIndex`. `commitIndex ≤ persistedIndex` need not hold: the quorum that committed may be other nodes.
 */
export class RaftLog {
  readonly firstIndex: LogIndex;
  readonly #runs: TermRuns = new TermRuns();
  readonly #sizes: EntrySizes;
  #commitIndex: LogIndex = logIndex(0);
  /** As told by the local MySQL, which after a restart knows more than Raft has yet learnt to be committed. */
  #reportedAppliedIndex: LogIndex = logIndex(0);

  constructor(restored: RestoredState) {
    assert(restored.firstIndex === 1, 'a log begins at entry 1: nothing compacts it');
    this.firstIndex = restored.firstIndex;
    for (const [position, run] of restored.termRuns.entries()) {
      const next = restored.termRuns[position + 1]?.firstIndex ?? restored.lastIndex + 1;
      assert(run.firstIndex === this.lastIndex + 1, `the run of term ${run.term} leaves no hole`);
      this.#runs.extend(run.term, logIndex(next - 1));
    }
    assert(this.lastIndex === restored.lastIndex, 'the term runs cover the whole log');
    this.#sizes = new EntrySizes({ capacity: rememberedSizesMax, lastIndex: this.lastIndex });
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
    return this.#reportedAppliedIndex < this.#commitIndex
      ? this.#reportedAppliedIndex
      : this.#commitIndex;
  }

  /** The term at `index`, 0 before the first entry, null past the last. */
  termAt(index: LogIndex): Term | null {
    return this.#runs.termAt(index);
  }

  /** The entry at an index that is known to be in the log. */
  idAt(index: LogIndex): EntryId {
    const found = this.termAt(index);
    assert(found !== null, `log index ${index} is past the last index ${this.lastIndex}`);
    return { term: found, index };
  }

  holds(id: EntryId): boolean {
    return this.termAt(id.index) === id.term;
  }

  newestWithin(index: LogIndex, termMax: Term): EntryId {
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

  /** Invariant: what is committed stays so; the index never goes back. */
  commitTo(index: LogIndex): void {
    assert(index >= this.#commitIndex, `commit index goes back to ${index}`);
    assert(index <= this.lastIndex, `commit index ${index} is past the last ${this.lastIndex}`);
    this.#commitIndex = index;
  }

  reportApplied(index: LogIndex): void {
    if (index > this.#reportedAppliedIndex) this.#reportedAppliedIndex = index;
  }

  /** How many bytes an entry takes in an append; `unknownBytes` when that was never seen. */
  costAt(index: number, unknownBytes: number): number {
    return (this.#sizes.at(index) ?? unknownBytes) + entryOverheadBytes;
  }
}
