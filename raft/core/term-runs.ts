import { assert } from '../../base/assert.ts';
import { type EntryId, type LogIndex, logIndex, type Term, term } from './types.ts';

/** The entries of one term: from `firstIndex` to the next run, or to the end of the log. */
export interface TermRun {
  readonly term: Term;
  readonly firstIndex: LogIndex;
}

const beforeFirst: TermRun = { term: term(0), firstIndex: logIndex(0) };

/**
 * Which term stands at which index, without a read: terms only grow along a log (Raft thesis §3.5), so the
 * first index of each is enough. One run per election that appended something.
 */
export class TermRuns {
  /** Ascending in term and in index. Index 0, before the first entry, has term 0. */
  readonly #runs: TermRun[] = [beforeFirst];
  #lastIndex: LogIndex = logIndex(0);

  get lastIndex(): LogIndex {
    return this.#lastIndex;
  }

  get last(): EntryId {
    return { term: this.#newest.term, index: this.#lastIndex };
  }

  /** The term at `index`, or null outside the log. */
  termAt(index: LogIndex): Term | null {
    if (index > this.#lastIndex) return null;
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
    assert(index >= 1 && index <= this.#lastIndex, `no entry ${index} to truncate from`);
    while (this.#newest.firstIndex >= index) this.#runs.pop();
    this.#lastIndex = logIndex(index - 1);
  }

  /**
   * The newest entry at or before `index` whose term is at most `termMax`: conflict back-up by whole terms, since
   * no entry of a higher term can be shared with a log that has `termMax` there (Raft thesis §3.5).
   */
  newestWithin(index: LogIndex, termMax: Term): EntryId {
    let at = Math.min(index, this.#lastIndex);
    let position = this.#positionAt(at);
    while (this.#at(position).term > termMax) {
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
    assert(run !== undefined, 'a log has the run before its first entry');
    return run;
  }
}
