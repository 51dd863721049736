/** Luck as an argument: whoever needs it is given one, seeded in tests. */
export interface Random {
  /** A whole number in `[low, high)`. */
  below(low: number, high: number): number;
}

/** Xorshift128 (Marsaglia 2003), seeded through splitmix32: the same seed gives the same run. */
export class SeededRandom implements Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: number) {
    let state = seed | 0;
    const next = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let mixed = state ^ (state >>> 16);
      mixed = Math.imul(mixed, 0x21f0aaad);
      mixed ^= mixed >>> 15;
      mixed = Math.imul(mixed, 0x735a2d97);
      return mixed ^ (mixed >>> 15);
    };
    this.#a = next();
    this.#b = next();
    this.#c = next();
    this.#d = next() | 1;
  }

  /** 32 random bits as an unsigned number. */
  #next(): number {
    const t = this.#a ^ (this.#a << 11);
    this.#a = this.#b;
    this.#b = this.#c;
    this.#c = this.#d;
    this.#d = this.#d ^ (this.#d >>> 19) ^ t ^ (t >>> 8);
    return this.#d >>> 0;
  }

  below(low: number, high: number): number {
    return low + Math.floor((this.#next() / 0x1_0000_0000) * (high - low));
  }
}
