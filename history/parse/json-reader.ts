import type { HistoryValue } from '../history.ts';
import { type CharReader, endOfText, nameOf } from './char-reader.ts';
import type { EventSource, RawEvent } from './event-source.ts';
import type { ParseLimits } from './limits.ts';
import { integerFrom } from './numbers.ts';

const wordCharactersMax = 4096;
const code = (character: string): number => character.charCodeAt(0);
const quote = code('"');
const backslash = code('\\');
const newline = code('\n');
const comma = code(',');
const escapes = new Map([...'"\\/bfnrt'].map((letter, index) => [letter, '"\\/\b\f\n\r\t'[index]]));

/**
 * Events from JSON (RFC 8259): an array of objects, or lines with an object each. `":read"` is read as `"read"`, everywhere: that is how
 * keywords come out of some converters. Integers stay exact.
 */
export class JsonReader implements EventSource {
  readonly #chars: CharReader;
  readonly #limits: ParseLimits;
  readonly #isArray: boolean;
  #state: 'start' | 'between' | 'end' = 'start';
  #elements = 0;
  #depth = 0;

  constructor(chars: CharReader, limits: ParseLimits, layout: 'array' | 'lines') {
    this.#chars = chars;
    this.#limits = limits;
    this.#isArray = layout === 'array';
  }

  next(): RawEvent | null {
    this.#elements = 0;
    return this.#isArray ? this.#nextOfArray() : this.#nextLine();
  }

  #nextOfArray(): RawEvent | null {
    if (this.#state === 'end') return null;
    this.#skipBlanks();
    if (this.#state === 'start') {
      this.#expect('[', 'a JSON history is an array of objects');
      this.#skipBlanks();
      if (this.#chars.peek() !== code(']')) return this.#startEvent();
    } else if (this.#chars.peek() === comma) {
      this.#chars.next();
      this.#skipBlanks();
      return this.#startEvent();
    }
    this.#expect(']', 'events are separated by "," and end with "]"');
    this.#skipBlanks();
    if (this.#chars.peek() !== endOfText) throw this.#chars.malformed('text after the array');
    this.#state = 'end';
    return null;
  }

  #nextLine(): RawEvent | null {
    if (this.#state === 'between') {
      const { line } = this.#chars;
      this.#skipBlanks();
      const isSameLine = this.#chars.line === line && this.#chars.peek() !== endOfText;
      if (isSameLine) throw this.#chars.malformed('more than one value in a line');
    }
    this.#skipBlanks();
    return this.#chars.peek() === endOfText ? null : this.#startEvent();
  }

  #startEvent(): RawEvent {
    this.#state = 'between';
    const { line, column } = this.#chars;
    const character = this.#chars.peek();
    if (character !== code('{')) {
      throw this.#chars.malformed(
        `an event is an object such as {"process": 0, "type": "invoke", "f": "read", "value": null}, not something that begins with ${nameOf(character)}`,
      );
    }
    this.#chars.next();
    return { map: this.#readObject(), line, column };
  }

  #readValue(): HistoryValue {
    this.#skipBlanks();
    this.#count(1);
    const character = this.#chars.peek();
    if (character === quote) return this.#readText();
    if (character !== code('{') && character !== code('[')) return this.#readWord();
    this.#chars.next();
    return character === code('{') ? this.#readObject() : this.#readArray();
  }

  #count(elements: number): void {
    this.#elements += elements;
    if (this.#elements <= this.#limits.elementsPerEventMax) return;
    throw this.#chars.tooLarge(
      `an event of more than ${this.#limits.elementsPerEventMax} elements`,
    );
  }

  #readObject(): ReadonlyMap<HistoryValue, HistoryValue> {
    const map = new Map<HistoryValue, HistoryValue>();
    this.#readItems('}', () => {
      if (this.#chars.peek() !== quote) {
        throw this.#chars.malformed(`a key begins with ", not ${nameOf(this.#chars.peek())}`);
      }
      const key = this.#readText();
      if (map.has(key)) throw this.#chars.malformed(`an object with the key "${key}" twice`);
      this.#skipBlanks();
      this.#expect(':', 'a key is followed by ":"');
      map.set(key, this.#readValue());
    });
    return map;
  }

  #readArray(): readonly HistoryValue[] {
    const items: HistoryValue[] = [];
    this.#readItems(']', () => {
      const before = items.length;
      this.#chars.takeIntegers(isComma, items);
      this.#count(items.length - before);
      items.push(this.#readValue());
    });
    return items;
  }

  #readItems(closer: string, readItem: () => void): void {
    const { line } = this.#chars;
    this.#depth += 1;
    if (this.#depth > this.#limits.depthMax) {
      throw this.#chars.tooLarge(
        `more than ${this.#limits.depthMax} collections within each other`,
      );
    }
    this.#skipBlanks();
    if (this.#chars.peek() === code(closer)) {
      this.#chars.next();
    } else {
      for (;;) {
        this.#skipBlanks();
        readItem();
        this.#skipBlanks();
        if (this.#chars.peek() !== comma) break;
        this.#chars.next();
      }
      this.#expect(closer, `what was begun in line ${line} goes on with "," or ends`);
    }
    this.#depth -= 1;
  }

  /** A string without the colon that a keyword kept. */
  #readText(): string {
    this.#chars.next();
    this.#chars.startTaking();
    for (;;) {
      const character = this.#chars.peek();
      if (character === endOfText || character < 32) {
        throw this.#chars.malformed(`${nameOf(character)} within a string`);
      }
      this.#chars.next();
      if (character === quote) break;
      const meant = character === backslash ? this.#readEscape() : character;
      this.#chars.take(meant, this.#limits.stringCharactersMax);
    }
    const text = this.#chars.taken();
    return /^:[A-Za-z]/.test(text) ? text.slice(1) : text;
  }

  #readEscape(): number {
    const character = this.#chars.next();
    if (character === code('u')) {
      let digits = '';
      for (let count = 0; count < 4; count += 1) digits += String.fromCharCode(this.#chars.next());
      if (!/^[\da-fA-F]{4}$/.test(digits)) throw this.#chars.malformed('\\u without four digits');
      return Number.parseInt(digits, 16);
    }
    const meant = character === endOfText ? undefined : escapes.get(String.fromCharCode(character));
    if (meant === undefined)
      throw this.#chars.malformed(`a string with \\ before ${nameOf(character)}`);
    return meant.charCodeAt(0);
  }

  #readWord(): HistoryValue {
    const first = this.#chars.peek();
    this.#chars.startTaking();
    while (isWordCharacter(this.#chars.peek())) {
      this.#chars.take(this.#chars.next(), wordCharactersMax);
    }
    const word = this.#chars.taken();
    if (word === 'null') return null;
    if (word === 'true' || word === 'false') return word === 'true';
    if (/^-?(?:0|[1-9]\d*)$/.test(word)) return integerFrom(word);
    if (/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(word)) return Number(word);
    throw this.#chars.malformed(
      word === '' ? `a value cannot begin with ${nameOf(first)}` : `${word} is no JSON value`,
    );
  }

  #expect(character: string, rule: string): void {
    const found = this.#chars.peek();
    if (found !== code(character)) throw this.#chars.malformed(`${rule}: found ${nameOf(found)}`);
    this.#chars.next();
  }

  #skipBlanks(): void {
    for (;;) {
      const character = this.#chars.peek();
      const isBlank =
        character === 32 || character === newline || character === 9 || character === 13;
      if (!isBlank) return;
      this.#chars.next();
    }
  }
}

function isComma(character: number): boolean {
  return character === comma;
}

/** What numbers and `true`, `false`, `null` are made of, and what a mistyped one might hold. */
function isWordCharacter(character: number): boolean {
  return (
    (character >= 48 && character <= 57) ||
    (character >= 65 && character <= 90) ||
    (character >= 97 && character <= 122) ||
    character === 43 ||
    character === 45 ||
    character === 46
  );
}
