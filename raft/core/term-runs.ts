import { assert } from '../../base/assert.ts';
import { type EntryId, type LogIndex, logIndex, type Term, term } from './types.ts';

/** The entries of one term: from `firstIndex` to the next run, or to the end of the log. */
export interface TermRun {
  readonly term: Term;
  readonly firstIndex: LogIndex;
}

/** What stands before the first entry of a log that was never compacted. */
export const logStart: EntryId = { term: term(0), index: logIndex(0) };

/**
 * Which term stands at which index, without a read: terms only grow along a log (Raft thesis §3.5), so the
 * first index of each is enough. One run per election that appended something. The log begins behind `base`, the newest entry
 * that was compacted away, of which the term is still known (Raft thesis §5.1).
 */
export class TermRuns {
  /** Ascending in term and in index; the oldest begins at the base. */
  #runs: TermRun[];
  #lastIndex: LogIndex;

  constructor(base: EntryId) {
    this.#runs = [{ term: base.term, firstIndex: base.index }];
    this.#lastIndex = base.index;
  }

  /** What stands just before the oldest entry held. */
  get base(): EntryId {
    const { term: baseTerm, firstIndex } = this.#at(0);
    return { term: baseTerm, index: firstIndex };
  }

  get lastIndex(): LogIndex {
    return this.#lastIndex;
  }

  get last(): EntryId {
    return { term: this.#newest.term, index: this.#lastIndex };
  }

  /** The term at `index`, from the base on; null before it and past the last. */
  termAt(index: LogIndex): Term | null {
    if (index > this.#lastIndex || index < this.base.index) return null;
    return this.#runAt(index).term;
  }

  /** Puts entries of one term up to `lastIndex` behind the newest. */
  extend(runTerm: Term, lastIndex: LogIndex): void {
    assert(runTerm >= this.#newest.term, `term ${runTerm} behind term ${this.#newest.term}`);
    assert(lastIndex > this.#lastIndex, `index ${lastIndex} behind index ${this.#lastIndex}`);
    if (runTerm > this.#newest.term) {
      this.#runs.push({ term: runTerm, firstIndex: logIndex(this.#lastIndex + 1) });
    }
    this.#lastIndex = lastIndex;
  }

  /** Forgets everything from `index` on. */
  truncateFrom(index: LogIndex): void {
    assert(index > this.base.index && index <= this.#lastIndex, `no entry ${index} to truncate`);
    while (this.#newest.firstIndex >= index) this.#runs.pop();
    this.#lastIndex = logIndex(index - 1);
  }

  /** Forgets everything up to `index` but the term that stands there. */
  compactTo(index: LogIndex): void {
    const covering = this.termAt(index);
    assert(covering !== null, `no entry ${index} to compact`);
    const later = this.#runs.slice(this.#positionAt(index) + 1);
    this.#runs = [{ term: covering, firstIndex: index }, ...later];
  }

  /** Forgets everything: the log is empty, and goes on behind `base`. */
  resetTo(base: EntryId): void {
    this.#runs = [{ term: base.term, firstIndex: base.index }];
    this.#lastIndex = base.index;
  }

  /**
   * The newest entry at or before `index` whose term is at most `termMax`: conflict back-up by whole terms, since
   * no entry of a higher term can be shared with a log that has `termMax` there (Raft thesis §3.5). Null when that is an entry
   * before the base, and so unknown.
   */
  newestWithin(index: LogIndex, termMax: Term): EntryId | null {
    if (index < this.base.index) return null;
    let at = Math.min(index, this.#lastIndex);
    let position = this.#positionAt(at);
    while (this.#at(position).term > termMax) {
      if (position === 0) return null;
      at = this.#at(position).firstIndex - 1;
      position -= 1;
    }
    return { term: this.#at(position).term, index: logIndex(at) };
  }

  get #newest(): TermRun {
    return this.#at(this.#runs.length - 1);
  }

  #runAt(index: number): TermRun {
    return this.#at(this.#positionAt(index));
  }

  /** The newest run that begins at or before `index`. The newest of all is asked for most. */
  #positionAt(index: number): number {
    let high = this.#runs.length - 1;
    if (this.#at(high).firstIndex <= index) return high;
    let low = 0;
    while (low + 1 < high) {
      const middle = (low + high) >>> 1;
      if (this.#at(middle).firstIndex <= index) low = middle;
      else high = middle;
    }
    return low;
  }

  #at(position: number): TermRun {
    const run = this.#runs[position];
    assert(run !== undefined, 'a log has the run of its base');
    return run;
  }
}
