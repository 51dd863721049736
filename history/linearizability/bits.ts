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

/** Adds to `words` what `added` holds; whether that changed it. */
export function addBits(words: Bits, added: Bits): boolean {
  let isChanged = false;
  for (let word = 0; word < words.length; word += 1) {
    const before = at(words, word);
    const after = before | at(added, word);
    isChanged ||= after !== before;
    words[word] = after;
  }
  return isChanged;
}

export function isEmptyBits(words: Bits): boolean {
  return words.every((word) => word === 0);
}

export function isWithin(part: Bits, whole: Bits): boolean {
  return part.every((word, index) => (word & ~at(whole, index)) === 0);
}

export function intersection(one: Bits, other: Bits): Bits {
  return one.map((word, index) => word & at(other, index));
}

/** How many bits of a word are set. */
export function bitCount(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
