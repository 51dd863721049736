import { at } from './transition-table.ts';

const entriesMin = 1 << 10;
const probes = 4;
const bytesPerWord = 4;
/** Words of an entry besides the bits: its hash, its place plus one (0 is an empty entry), its state. */
const headWords = 3;

/**
 * Where a search has been, and found no way on. An entry is kept in full and compared in full, so a hit is never a mistake. The memory is
 * bounded: when it is full, new entries replace old ones, and a forgotten place is searched again. That costs steps, which
 * are bounded elsewhere, and never a wrong answer.
 */
export class VisitedCache {
  readonly #wordsPerEntry: number;
  readonly #entriesMax: number;
  #entries: number;
  #table: Int32Array;
  #used = 0;

  constructor(options: { readonly bitWords: number; readonly bytesMax: number }) {
    this.#wordsPerEntry = options.bitWords + headWords;
    const affordable = options.bytesMax / (this.#wordsPerEntry * bytesPerWord);
    // Growing holds the old and the new table for a moment: one and a half times the new one.
    this.#entriesMax = Math.max(entriesMin, powerOfTwoBelow(affordable / 1.5));
    this.#entries = entriesMin;
    this.#table = new Int32Array(this.#entries * this.#wordsPerEntry);
  }

  /** Whether this was added before; adds it otherwise. `bits` says which open operations have taken effect. */
  testAndAdd(key: VisitedKey): boolean {
    if (this.#used * 2 > this.#entries && this.#entries < this.#entriesMax) this.#grow();
    const hash = hashOf(key);
    let free = -1;
    for (let probe = 0; probe < probes; probe += 1) {
      const start = this.#startOf(hash + probe);
      if (at(this.#table, start + 1) === 0) {
        free = start;
        break;
      }
      if (this.#equals(start, hash, key)) return true;
    }
    if (free === -1) free = this.#startOf(hash + ((hash >>> 24) % probes));
    else this.#used += 1;
    this.#write(free, hash, key);
    return false;
  }

  #startOf(hash: number): number {
    return (hash & (this.#entries - 1)) * this.#wordsPerEntry;
  }

  #equals(start: number, hash: number, { place, state, bits }: VisitedKey): boolean {
    const table = this.#table;
    if (at(table, start) !== hash || at(table, start + 1) !== place + 1) return false;
    if (at(table, start + 2) !== state) return false;
    for (let word = 0; word < bits.length; word += 1) {
      if (at(table, start + headWords + word) !== at(bits, word)) return false;
    }
    return true;
  }

  #write(start: number, hash: number, { place, state, bits }: VisitedKey): void {
    this.#table[start] = hash;
    this.#table[start + 1] = place + 1;
    this.#table[start + 2] = state;
    this.#table.set(bits, start + headWords);
  }

  #grow(): void {
    const old = this.#table;
    const words = this.#wordsPerEntry;
    this.#entries *= 2;
    this.#table = new Int32Array(this.#entries * words);
    this.#used = 0;
    for (let start = 0; start < old.length; start += words) {
      if (at(old, start + 1) !== 0) this.#move(old.subarray(start, start + words));
    }
  }

  #move(entry: Int32Array): void {
    const hash = at(entry, 0);
    for (let probe = 0; probe < probes; probe += 1) {
      const start = this.#startOf(hash + probe);
      if (at(this.#table, start + 1) !== 0) continue;
      this.#table.set(entry, start);
      this.#used += 1;
      return;
    }
  }
}

export interface VisitedKey {
  place: number;
  state: number;
  readonly bits: Int32Array;
}

function hashOf({ place, state, bits }: VisitedKey): number {
  let hash = Math.imul(place + 1, 0x9e3779b1) ^ Math.imul(state + 2, 0x85ebca6b);
  for (let word = 0; word < bits.length; word += 1) {
    hash = Math.imul((hash ^ at(bits, word)) | 0, 0x27d4eb2f);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function powerOfTwoBelow(value: number): number {
  return 2 ** Math.floor(Math.log2(Math.max(1, value)));
}
