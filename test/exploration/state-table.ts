/** Every state seen, by its whole tuple, with the state it was first reached from. About 30 bytes per state of three nodes. */
export class StateTable {
  readonly #width: number;
  readonly #statesMax: number;
  #tuples: Int32Array;
  #parents: Int32Array;
  #slots: Int32Array;
  #size = 0;

  constructor(options: { readonly width: number; readonly statesMax: number }) {
    this.#width = options.width;
    this.#statesMax = options.statesMax;
    this.#tuples = new Int32Array(1024 * options.width);
    this.#parents = new Int32Array(1024);
    this.#slots = new Int32Array(4096).fill(-1);
  }

  get size(): number {
    return this.#size;
  }

  get isFull(): boolean {
    return this.#size >= this.#statesMax;
  }

  get bytes(): number {
    return this.#tuples.byteLength + this.#parents.byteLength + this.#slots.byteLength;
  }

  /** Its number, new or not. Numbers are given in order from 0. */
  add(tuple: readonly number[], parent: number): number {
    let slot = this.#hash(tuple);
    for (;;) {
      const id = this.#slots[slot] ?? -1;
      if (id === -1) break;
      if (this.#isEqual(id, tuple)) return id;
      slot = (slot + 1) & (this.#slots.length - 1);
    }
    if ((this.#size + 1) * this.#width > this.#tuples.length) this.#grow();
    this.#slots[slot] = this.#size;
    this.#tuples.set(tuple, this.#size * this.#width);
    this.#parents[this.#size] = parent;
    this.#size += 1;
    if (this.#size * 2 > this.#slots.length) this.#rehash();
    return this.#size - 1;
  }

  at(id: number): readonly number[] {
    return [...this.#tuples.subarray(id * this.#width, (id + 1) * this.#width)];
  }

  /** -1 for a root. */
  parentOf(id: number): number {
    return this.#parents[id] ?? -1;
  }

  #isEqual(id: number, tuple: readonly number[]): boolean {
    const begin = id * this.#width;
    for (let place = 0; place < this.#width; place += 1) {
      if (this.#tuples[begin + place] !== tuple[place]) return false;
    }
    return true;
  }

  #hash(tuple: readonly number[]): number {
    let hash = 0x811c_9dc5;
    for (const each of tuple) {
      hash = Math.imul(hash ^ each, 0x85eb_ca6b);
      hash ^= hash >>> 13;
    }
    return (Math.imul(hash, 0xc2b2_ae35) >>> 1) & (this.#slots.length - 1);
  }

  #grow(): void {
    const states = Math.min(this.#size * 2, this.#statesMax);
    const tuples = new Int32Array(states * this.#width);
    tuples.set(this.#tuples);
    this.#tuples = tuples;
    const parents = new Int32Array(states);
    parents.set(this.#parents);
    this.#parents = parents;
  }

  #rehash(): void {
    this.#slots = new Int32Array(this.#slots.length * 2).fill(-1);
    for (let id = 0; id < this.#size; id += 1) {
      let slot = this.#hash(this.at(id));
      while (this.#slots[slot] !== -1) slot = (slot + 1) & (this.#slots.length - 1);
      this.#slots[slot] = id;
    }
  }
}
