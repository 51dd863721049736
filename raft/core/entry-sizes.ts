import { assert } from '../../base/assert.ts';
import type { LogIndex } from './types.ts';

/**
 * Payload sizes of the newest entries, in a fixed ring: the core keeps no payloads, and cuts appends by bytes all the
 * same. Entries that are older, or were in the log at the start, have no known size.
 */
export class EntrySizes {
  readonly #bytes: Uint32Array;
  /** Sizes are known in `[first, end)`. */
  #first: number;
  #end: number;

  constructor(options: { readonly capacity: number; readonly lastIndex: LogIndex }) {
    this.#bytes = new Uint32Array(options.capacity);
    this.#first = options.lastIndex + 1;
    this.#end = this.#first;
  }

  push(index: LogIndex, bytes: number): void {
    assert(index === this.#end, `size of entry ${index} comes after that of ${this.#end - 1}`);
    this.#bytes[index % this.#bytes.length] = bytes;
    this.#end = index + 1;
    this.#first = Math.max(this.#first, this.#end - this.#bytes.length);
  }

  truncateFrom(index: LogIndex): void {
    this.#end = Math.min(this.#end, index);
    this.#first = Math.min(this.#first, this.#end);
  }

  /** Forgets all: the next entry follows `lastIndex`. */
  resetTo(lastIndex: LogIndex): void {
    this.#end = lastIndex + 1;
    this.#first = this.#end;
  }

  /** Null when it is not known. */
  at(index: number): number | null {
    if (index < this.#first || index >= this.#end) return null;
    return this.#bytes[index % this.#bytes.length] ?? null;
  }
}
