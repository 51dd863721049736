import { at } from './transition-table.ts';

/** Sets of slots, 32 to a word. Operations on two sets take sets of one length. */
export type Bits = Int32Array;

export function setBit(words: Bits, bit: number): void {
  words[bit >>> 5] = at(words, bit >>> 5) | (1 << (bit & 31));
}

export function clearBit(words: Bits, bit: number): void {
  words[bit >>> 5] = at(words, bit >>> 5) & ~(1 << (bit & 31));
}

export function hasBit(words: Bits, bit: number): boolean {
  return (at(words, bit >>> 5) & (1 << (bit & 31))) !== 0;
}

/** Adds to `words` what `added` holds; of that only what is in `within`, where it is given. */
export function addBits(words: Bits, added: Bits, within: Bits | null = null): void {
  for (let word = 0; word < words.length; word += 1) {
    const mask = within === null ? -1 : at(within, word);
    words[word] = at(words, word) | (at(added, word) & mask);
  }
}

export function isEmptyBits(words: Bits): boolean {
  return words.every((word) => word === 0);
}

export function isWithin(part: Bits, whole: Bits): boolean {
  for (let word = 0; word < part.length; word += 1) {
    if ((at(part, word) & ~at(whole, word)) !== 0) return false;
  }
  return true;
}

/** How many bits of a word are set. */
export function bitCount(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
