import { AssertionFailure } from '../../base/assert.ts';

// Reads of arrays inside the loops over whole histories. One function per kind of array, because one for all of them would be
// several times slower: the engine would no longer know what it reads from.

export function intAt(numbers: Int32Array, index: number): number {
  const number = numbers[index];
  if (number === undefined) throw new AssertionFailure(`no number at ${index}`);
  return number;
}

export function byteAt(bytes: Uint8Array, index: number): number {
  const byte = bytes[index];
  if (byte === undefined) throw new AssertionFailure(`no byte at ${index}`);
  return byte;
}

export function itemAt<Item>(items: readonly Item[], index: number): Item {
  const item = items[index];
  if (item === undefined) throw new AssertionFailure(`no item at ${index}`);
  return item;
}

/** Whole numbers of 32 bits in a row that grows. */
export class IntList {
  #numbers = new Int32Array(16);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(number: number): void {
    if (this.#length === this.#numbers.length) {
      const larger = new Int32Array(this.#length * 2);
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#numbers[this.#length] = number;
    this.#length += 1;
  }

  pop(): number {
    this.#length -= 1;
    return intAt(this.#numbers, this.#length);
  }

  at(index: number): number {
    if (index >= this.#length) throw new AssertionFailure(`no number at ${index}`);
    return intAt(this.#numbers, index);
  }

  clear(): void {
    this.#length = 0;
  }

  /** The numbers themselves, not a copy: valid until the next `push`. */
  view(): Int32Array {
    return this.#numbers.subarray(0, this.#length);
  }
}
