import { assert } from '../../base/assert.ts';
import type { LogIndex } from '../../raft/core/types.ts';
import type { Gtid } from '../binlog/gtid.ts';
import type { GtidSet } from '../binlog/gtid-set.ts';

/** What was committed up to an index that no transaction straddles. */
export interface CommittedMark {
  readonly index: LogIndex;
  /** Never changed once it is in a mark. */
  readonly committed: GtidSet;
}

/**
 * Sparse marks along the log, as PREVIOUS_GTIDS is at the head of each binlog file: they tell where a set of executed
 * transactions leaves the log without reading it from the start. Bounded: when there are too many, every second one of the
 * older half goes, so marks are dense where questions are asked.
 */
export class CommittedMarks {
  #marks: CommittedMark[];
  readonly #lengthMax: number;

  constructor(lengthMax: number, marks: readonly CommittedMark[] = []) {
    assert(lengthMax >= 4, 'thinning needs at least four marks');
    this.#lengthMax = lengthMax;
    this.#marks = [...marks];
  }

  get all(): readonly CommittedMark[] {
    return this.#marks;
  }

  get newest(): CommittedMark | null {
    return this.#marks.at(-1) ?? null;
  }

  add(mark: CommittedMark): void {
    assert(mark.index > (this.newest?.index ?? -1), 'marks are added in order');
    if (this.#marks.length === this.#lengthMax) {
      const half = this.#lengthMax >> 1;
      this.#marks = this.#marks.filter((_, at) => at >= half || at % 2 === 1);
    }
    this.#marks.push(mark);
  }

  /** The newest mark all of whose transactions are in `executed`. */
  newestWithin(executed: GtidSet): CommittedMark | null {
    return this.#newestWhere(({ committed }) => committed.isSubsetOf(executed));
  }

  /** The newest mark in front of this transaction. */
  newestWithout(gtid: Gtid): CommittedMark | null {
    return this.#newestWhere(({ committed }) => !committed.has(gtid));
  }

  /** Marks grow, so what holds for one holds for all before it, and a binary search finds the last. */
  #newestWhere(holds: (mark: CommittedMark) => boolean): CommittedMark | null {
    let low = 0;
    let high = this.#marks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const mark = this.#marks[middle];
      if (mark !== undefined && holds(mark)) low = middle + 1;
      else high = middle;
    }
    return this.#marks[low - 1] ?? null;
  }
}
