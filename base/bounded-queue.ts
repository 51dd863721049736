import { assert } from './assert.ts';

/** First in, first out, with a maximum: `push` says no when full, and nothing is lost silently. */
export class BoundedQueue<Item> {
  readonly #items: (Item | undefined)[] = [];
  readonly #lengthMax: number;
  #head = 0;

  constructor(lengthMax: number) {
    assert(Number.isSafeInteger(lengthMax) && lengthMax > 0, 'a queue holds at least one item');
    this.#lengthMax = lengthMax;
  }

  get length(): number {
    return this.#items.length - this.#head;
  }

  /** False, and nothing is kept, when the queue is full. */
  push(item: Item): boolean {
    if (this.length >= this.#lengthMax) return false;
    this.#items.push(item);
    return true;
  }

  shift(): Item | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head += 1;
    // Copying only once half is waste keeps the cost per item constant.
    if (this.#head * 2 >= this.#items.length) {
      this.#items.splice(0, this.#head);
      this.#head = 0;
    }
    return item;
  }

  clear(): void {
    this.#items.length = 0;
    this.#head = 0;
  }
}
