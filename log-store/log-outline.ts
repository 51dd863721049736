import { assert } from '../base/assert.ts';
import type { Entry } from '../raft/core/entry.ts';
import type { SnapshotMeta } from '../raft/core/snapshot.ts';
import { type LogIndex, logIndex, type Term, term } from '../raft/core/types.ts';

export interface TermRun {
  readonly term: Term;
  readonly firstIndex: LogIndex;
}

/** What an outline is made from; `lastIndex` is `firstIndex - 1` when no entry is held. */
export interface OutlineState {
  /** What the log begins behind; null when that is nothing. */
  readonly snapshot: SnapshotMeta | null;
  readonly firstIndex: LogIndex;
  readonly lastIndex: LogIndex;
  readonly termRuns: readonly TermRun[];
}

export const emptyOutline: OutlineState = {
  snapshot: null,
  firstIndex: logIndex(1),
  lastIndex: logIndex(0),
  termRuns: [],
};

/**
 * The shape of a log without its payloads: which indexes it holds and in which terms.
 *
 * Invariant: runs are ascending in both fields, the first starts at `firstIndex`, none starts past `lastIndex`.
 */
export class LogOutline {
  #snapshot: SnapshotMeta | null;
  #firstIndex: LogIndex;
  #lastIndex: LogIndex;
  readonly #termRuns: TermRun[];

  constructor(state: OutlineState) {
    this.#snapshot = state.snapshot;
    this.#firstIndex = state.firstIndex;
    this.#lastIndex = state.lastIndex;
    this.#termRuns = [...state.termRuns];
  }

  get firstIndex(): LogIndex {
    return this.#firstIndex;
  }

  get lastIndex(): LogIndex {
    return this.#lastIndex;
  }

  get termRuns(): readonly TermRun[] {
    return this.#termRuns;
  }

  get lastTerm(): Term {
    return this.#termRuns.at(-1)?.term ?? this.#snapshot?.last.term ?? term(0);
  }

  state(): OutlineState {
    return {
      snapshot: this.#snapshot,
      firstIndex: this.firstIndex,
      lastIndex: this.#lastIndex,
      termRuns: [...this.#termRuns],
    };
  }

  /** Forgets entries from `from` on; answers with the runs that ended thereby. */
  truncate(from: LogIndex): readonly TermRun[] {
    assert(
      from >= this.firstIndex,
      `log index ${from} is behind the first index ${this.firstIndex}`,
    );
    if (from > this.#lastIndex) return [];
    this.#lastIndex = logIndex(from - 1);
    const kept = this.#termRuns.findLastIndex((run) => run.firstIndex < from) + 1;
    return this.#termRuns.splice(kept);
  }

  /** Forgets entries up to the last one the snapshot covers, whether the log reaches so far or not. */
  compact(snapshot: SnapshotMeta): void {
    const { last } = snapshot;
    assert(last.index >= this.#firstIndex, `entry ${last.index} was compacted away already`);
    this.#snapshot = snapshot;
    this.#firstIndex = logIndex(last.index + 1);
    if (this.#lastIndex <= last.index) {
      this.#lastIndex = last.index;
      this.#termRuns.length = 0;
      return;
    }
    const position = this.#termRuns.findLastIndex((run) => run.firstIndex <= this.#firstIndex);
    this.#termRuns.splice(0, position);
    const [oldest] = this.#termRuns;
    assert(oldest !== undefined, `a term run covers entry ${this.#firstIndex}`);
    this.#termRuns[0] = { term: oldest.term, firstIndex: this.#firstIndex };
  }

  /** Adds the next entry; answers with the run it begins, if it does. */
  append(entry: Pick<Entry, 'term' | 'index'>): TermRun | null {
    const expected = this.#lastIndex + 1;
    assert(entry.index === expected, `entry ${entry.index} does not follow: ${expected} is next`);
    const { lastTerm } = this;
    assert(
      entry.term >= lastTerm,
      `the term falls from ${lastTerm} to ${entry.term} at ${entry.index}`,
    );
    this.#lastIndex = entry.index;
    if (entry.term === lastTerm && this.#termRuns.length > 0) return null;
    const run = { term: entry.term, firstIndex: entry.index };
    this.#termRuns.push(run);
    return run;
  }

  /** A copy of the part in `[first, last]`, which later changes do not reach. */
  part(first: LogIndex, last: LogIndex): LogOutline {
    const start = this.#runPosition(first);
    const end = last < first ? start : this.#runPosition(last) + 1;
    const termRuns = this.#termRuns
      .slice(start, end)
      .map((run) => (run.firstIndex < first ? { ...run, firstIndex: first } : run));
    return new LogOutline({ snapshot: null, firstIndex: first, lastIndex: last, termRuns });
  }

  /** The term of a held entry, without a read. */
  termAt(index: LogIndex): Term {
    const run = this.#termRuns[this.#runPosition(index)];
    assert(run !== undefined && run.firstIndex <= index, `no term run covers entry ${index}`);
    return run.term;
  }

  /** Where in the runs the one is that covers a held entry. */
  #runPosition(index: LogIndex): number {
    assert(index >= this.firstIndex && index <= this.#lastIndex, `entry ${index} is not held`);
    let low = 0;
    let high = this.#termRuns.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      const run = this.#termRuns[middle];
      if (run !== undefined && run.firstIndex <= index) low = middle;
      else high = middle;
    }
    return low;
  }
}
