import { assert } from '../../base/assert.ts';
import type { LogIndex } from './types.ts';

/**
 * Appends on the wire to one follower, unanswered, oldest first: bounded in number and in bytes. A follower
 * that is slow gets no more than this ahead (Raft thesis §10.2.1).
 */
export class InflightWindow {
  readonly #countMax: number;
  readonly #bytesMax: number;
  readonly #lastIndexes: Float64Array;
  readonly #sizes: Float64Array;
  #oldest = 0;
  #count = 0;
  #bytes = 0;

  constructor(limits: { readonly countMax: number; readonly bytesMax: number }) {
    this.#countMax = limits.countMax;
    this.#bytesMax = limits.bytesMax;
    this.#lastIndexes = new Float64Array(limits.countMax);
    this.#sizes = new Float64Array(limits.countMax);
  }

  get count(): number {
    return this.#count;
  }

  /** The append that crosses the byte limit still goes, so one of any size always can. */
  get isFull(): boolean {
    return this.#count >= this.#countMax || this.#bytes >= this.#bytesMax;
  }

  add(append: { readonly lastIndex: LogIndex; readonly bytes: number }): void {
    assert(!this.isFull, 'an append past the window waits');
    const at = (this.#oldest + this.#count) % this.#countMax;
    this.#lastIndexes[at] = append.lastIndex;
    this.#sizes[at] = append.bytes;
    this.#count += 1;
    this.#bytes += append.bytes;
  }

  /** The follower holds everything up to `index`: what ended there or before is answered. */
  freeUpTo(index: LogIndex): void {
    while (this.#count > 0 && (this.#lastIndexes[this.#oldest] ?? 0) <= index) {
      this.#bytes -= this.#sizes[this.#oldest] ?? 0;
      this.#oldest = (this.#oldest + 1) % this.#countMax;
      this.#count -= 1;
    }
  }
}
