import { assert } from '../base/assert.ts';
import type { Entry } from './core/entry.ts';
import type { LogIndex } from './core/types.ts';

/** What an entry costs in memory besides its payload, roughly. */
const entryOverheadBytes = 128;

/**
 * The newest entries of the log, so that sending and applying rarely read the store. Bounded by bytes, with one
 * exception: entries that are not yet durable stay, since nobody else could answer for them. Those are bounded by the
 * core (what a leader may have uncommitted, what a follower may be sent in one window).
 *
 * Invariant: holds one unbroken range that ends at the newest entry appended.
 */
export class EntryCache {
  readonly #bytesMax: number;
  #entries: (Entry | undefined)[] = [];
  /** Slots before it are empty: dropping the oldest entry must not move the others. */
  #head = 0;
  #firstIndex = 0;
  #durableIndex = 0;
  #bytes = 0;

  constructor({ bytesMax }: { readonly bytesMax: number }) {
    this.#bytesMax = bytesMax;
  }

  /** Memory accounted for, payloads and overhead. */
  get bytes(): number {
    return this.#bytes;
  }

  get length(): number {
    return this.#entries.length - this.#head;
  }

  /** Oldest index held; null when empty. */
  get firstIndex(): number | null {
    return this.length === 0 ? null : this.#firstIndex;
  }

  /** Consecutive entries behind the newest held. An entry of a payload's buffer must not be changed afterwards. */
  append(entries: readonly Entry[]): void {
    const [first] = entries;
    if (first === undefined) return;
    if (this.length === 0) this.#firstIndex = first.index;
    assert(
      first.index === this.#firstIndex + this.length,
      `entry ${first.index} does not follow ${this.#firstIndex + this.length - 1}`,
    );
    for (const entry of entries) {
      this.#entries.push(entry);
      this.#bytes += costOf(entry);
    }
    this.#evict();
  }

  /** Forgets entries from `index` on: the log was truncated there. */
  truncateFrom(index: LogIndex): void {
    while (this.length > 0 && this.#firstIndex + this.length - 1 >= index) {
      const removed = this.#entries.pop();
      if (removed !== undefined) this.#bytes -= costOf(removed);
    }
    if (this.length === 0) this.#clear();
    this.#durableIndex = Math.min(this.#durableIndex, index - 1);
  }

  /** Forgets entries up to `index`, durable or not: the log begins behind it. */
  compactTo(index: LogIndex): void {
    while (this.length > 0 && this.#firstIndex <= index) this.#dropOldest();
    this.#tidy();
  }

  /** Entries up to `index` are on disk and may be forgotten when memory is short. */
  markDurable(index: LogIndex): void {
    this.#durableIndex = Math.max(this.#durableIndex, index);
    this.#evict();
  }

  /**
   * Entries in `[first, last]`, cut after at least one once `bytesMax` payload bytes are reached; null when the oldest
   * of them is not held.
   */
  read(range: {
    readonly first: number;
    readonly last: number;
    readonly bytesMax: number;
  }): Entry[] | null {
    if (this.length === 0 || range.first < this.#firstIndex) return null;
    const found: Entry[] = [];
    let bytes = 0;
    const start = this.#head + range.first - this.#firstIndex;
    const end = Math.min(this.#entries.length, start + range.last - range.first + 1);
    for (let slot = start; slot < end && bytes < range.bytesMax; slot += 1) {
      const entry = this.#entries[slot];
      if (entry === undefined) return null;
      found.push(entry);
      bytes += entry.payload.length;
    }
    return found.length === 0 ? null : found;
  }

  #evict(): void {
    while (
      this.#bytes > this.#bytesMax &&
      this.length > 0 &&
      this.#firstIndex <= this.#durableIndex
    ) {
      this.#dropOldest();
    }
    this.#tidy();
  }

  #dropOldest(): void {
    const entry = this.#entries[this.#head];
    if (entry !== undefined) this.#bytes -= costOf(entry);
    this.#entries[this.#head] = undefined;
    this.#head += 1;
    this.#firstIndex += 1;
  }

  #tidy(): void {
    if (this.length === 0) this.#clear();
    // Copying only once half is waste keeps the cost per entry constant.
    else if (this.#head * 2 >= this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }

  #clear(): void {
    this.#entries = [];
    this.#head = 0;
    this.#bytes = 0;
  }
}

function costOf(entry: Entry): number {
  return entry.payload.length + entryOverheadBytes;
}
