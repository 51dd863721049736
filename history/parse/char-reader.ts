import { HistoryMalformedError, HistoryTooLargeError } from '../errors.ts';
import type { HistoryValue } from '../history.ts';

/** Gives the text of a file piece by piece, and null at its end. */
export type TextSource = () => string | null;

export const endOfText = -1;
const newline = 10;
const scratchCharacters = 256;
const internedLengthMax = 32;
const internedMax = 1 << 16;
const charactersPerCall = 4096;
const zero = 48;
/** Fewer than a number can have and stay exact. */
const plainDigitsMax = 15;

/** A text as characters (UTF-16 code units), with the place of the next one. Holds one piece of the text at a time. */
export class CharReader {
  readonly #source: TextSource;
  readonly #interned = new Map<string, string>();
  #text = '';
  #at = 0;
  #isAtEnd = false;
  #line = 1;
  #column = 1;
  #taken: Uint16Array<ArrayBuffer> = new Uint16Array(scratchCharacters);
  #takenCount = 0;

  constructor(source: TextSource) {
    this.#source = source;
  }

  get line(): number {
    return this.#line;
  }

  get column(): number {
    return this.#column;
  }

  /** The next character, or `endOfText`; it stays. */
  peek(): number {
    if (this.#at < this.#text.length) return this.#text.charCodeAt(this.#at);
    return this.#refill() ? this.#text.charCodeAt(this.#at) : endOfText;
  }

  /** The next character, or `endOfText`. */
  next(): number {
    const character = this.peek();
    if (character === endOfText) return endOfText;
    this.#at += 1;
    if (character === newline) {
      this.#line += 1;
      this.#column = 1;
    } else {
      this.#column += 1;
    }
    return character;
  }

  /** What comes next, `charactersMin` at least unless the text ends before; for a guess at what it is. */
  lookAhead(charactersMin: number): string {
    this.#text = this.#text.slice(this.#at);
    this.#at = 0;
    while (!this.#isAtEnd && this.#text.length < charactersMin) {
      const piece = this.#source();
      this.#text += piece ?? '';
      this.#isAtEnd = piece === null;
    }
    return this.#text;
  }

  /**
   * Passes integers that are each followed by a separator, as far as the piece of text in hand goes, and adds them to `items`. Histories of lists
   * are little else, and one by one they take several times as long. It stops before whatever is not as plain as that: a long number, the
   * last one, a comment, the end of the piece.
   */
  takeIntegers(isSeparator: (character: number) => boolean, items: HistoryValue[]): void {
    const text = this.#text;
    let at = this.#at;
    for (;;) {
      let value = 0;
      let end = at;
      for (; end < text.length && end - at < plainDigitsMax; end += 1) {
        const digit = text.charCodeAt(end) - zero;
        if (digit < 0 || digit > 9) break;
        value = value * 10 + digit;
      }
      const isPlain = end > at && (end === at + 1 || text.charCodeAt(at) !== zero);
      if (!isPlain || end === text.length || !isSeparator(text.charCodeAt(end))) break;
      items.push(value);
      at = end + 1;
    }
    this.#column += at - this.#at;
    this.#at = at;
  }

  /** Begins to collect characters. */
  startTaking(): void {
    this.#takenCount = 0;
  }

  take(character: number, charactersMax: number): void {
    if (this.#takenCount === charactersMax) {
      throw this.tooLarge(`a word of more than ${charactersMax} characters`);
    }
    if (this.#takenCount === this.#taken.length) {
      const larger = new Uint16Array(this.#taken.length * 2);
      larger.set(this.#taken);
      this.#taken = larger;
    }
    this.#taken[this.#takenCount] = character;
    this.#takenCount += 1;
  }

  /**
   * What was collected. Made from its characters and not cut from the text, because a cut keeps the whole piece it was cut from in
   * memory; and short ones are made once, because histories repeat a few words a million times.
   */
  taken(): string {
    const made = this.#takenCount > internedLengthMax ? this.#makeLong() : this.#makeShort();
    if (made.length > internedLengthMax) return made;
    const known = this.#interned.get(made);
    if (known !== undefined) return known;
    if (this.#interned.size < internedMax) this.#interned.set(made, made);
    return made;
  }

  /** An error at the next character. */
  malformed(reason: string): HistoryMalformedError {
    return new HistoryMalformedError({ line: this.#line, column: this.#column }, reason);
  }

  tooLarge(reason: string): HistoryTooLargeError {
    return new HistoryTooLargeError({ line: this.#line, column: this.#column }, reason);
  }

  #makeLong(): string {
    let made = '';
    for (let from = 0; from < this.#takenCount; from += charactersPerCall) {
      const to = Math.min(this.#takenCount, from + charactersPerCall);
      made += String.fromCharCode(...this.#taken.subarray(from, to));
    }
    return made;
  }

  /** Character by character: for the few of a word that is a fifth of the time a spread takes, and histories are words. */
  #makeShort(): string {
    let made = '';
    for (let at = 0; at < this.#takenCount; at += 1) {
      made += String.fromCharCode(this.#taken[at] ?? 0);
    }
    return made;
  }

  #refill(): boolean {
    while (!this.#isAtEnd && this.#at >= this.#text.length) {
      const piece = this.#source();
      this.#at = 0;
      this.#text = piece ?? '';
      this.#isAtEnd = piece === null;
    }
    return this.#at < this.#text.length;
  }
}

/** How a character is called in a message. */
export function nameOf(character: number): string {
  if (character === endOfText) return 'the end of the file';
  return JSON.stringify(String.fromCharCode(character));
}
