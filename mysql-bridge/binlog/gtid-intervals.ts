import { assert } from '../../base/assert.ts';

/** Transaction numbers from `first` to `last`, both included. */
export interface GtidInterval {
  readonly first: bigint;
  readonly last: bigint;
}

/**
 * A set of transaction numbers of one server (and tag) as intervals.
 * Invariant: ascending, none empty, and no two overlap or touch. A number at the end costs O(1), any other O(log n)
 * to find and O(n) to insert; n is the number of gaps, which is small where transactions are applied in order.
 */
export class GtidIntervals {
  readonly #intervals: GtidInterval[];

  constructor(intervals: readonly GtidInterval[] = []) {
    this.#intervals = [...intervals];
  }

  get intervals(): readonly GtidInterval[] {
    return this.#intervals;
  }

  get isEmpty(): boolean {
    return this.#intervals.length === 0;
  }

  get count(): bigint {
    return this.#intervals.reduce((sum, { first, last }) => sum + last - first + 1n, 0n);
  }

  clone(): GtidIntervals {
    return new GtidIntervals(this.#intervals);
  }

  has(number: bigint): boolean {
    return this.includes({ first: number, last: number });
  }

  /** True when every number of `interval` is here. */
  includes({ first, last }: GtidInterval): boolean {
    const candidate = this.#intervals[this.#indexOfLastAtOrBelow(last)];
    return candidate !== undefined && candidate.first <= first && candidate.last >= last;
  }

  add(added: GtidInterval): void {
    assert(added.first >= 1n && added.first <= added.last, `${added.first}-${added.last} is empty`);
    const newest = this.#intervals.at(-1);
    if (newest === undefined || added.first > newest.last + 1n) {
      this.#intervals.push(added);
      return;
    }
    if (added.first === newest.last + 1n) {
      this.#intervals[this.#intervals.length - 1] = { first: newest.first, last: added.last };
      return;
    }
    // Everything that overlaps or touches becomes one interval.
    const end = this.#indexOfLastAtOrBelow(added.last + 1n) + 1;
    let start = this.#indexOfLastAtOrBelow(added.first - 1n);
    if (start === -1 || (this.#intervals[start]?.last ?? 0n) + 1n < added.first) start += 1;
    const low = this.#intervals[start]?.first ?? added.first;
    const high = this.#intervals[end - 1]?.last ?? added.last;
    const merged =
      start < end
        ? { first: low < added.first ? low : added.first, last: maxOf(high, added.last) }
        : added;
    this.#intervals.splice(start, end - start, merged);
  }

  remove(removed: GtidInterval): void {
    const end = this.#indexOfLastAtOrBelow(removed.last) + 1;
    let start = this.#indexOfLastAtOrBelow(removed.first);
    if (start === -1 || (this.#intervals[start]?.last ?? 0n) < removed.first) start += 1;
    if (start >= end) return;
    const left: GtidInterval[] = [];
    const low = this.#intervals[start]?.first ?? removed.first;
    const high = this.#intervals[end - 1]?.last ?? removed.last;
    if (low < removed.first) left.push({ first: low, last: removed.first - 1n });
    if (high > removed.last) left.push({ first: removed.last + 1n, last: high });
    this.#intervals.splice(start, end - start, ...left);
  }

  isSubsetOf(other: GtidIntervals): boolean {
    return this.#intervals.every((interval) => other.includes(interval));
  }

  equals(other: GtidIntervals): boolean {
    return (
      this.#intervals.length === other.#intervals.length &&
      this.#intervals.every(({ first, last }, index) => {
        const twin = other.#intervals[index];
        return twin?.first === first && twin.last === last;
      })
    );
  }

  /** The last interval that begins at or below `number`; -1 when all begin above. */
  #indexOfLastAtOrBelow(number: bigint): number {
    let low = 0;
    let high = this.#intervals.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#intervals[middle]?.first ?? 0n) <= number) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

function maxOf(left: bigint, right: bigint): bigint {
  return left > right ? left : right;
}
