import { assert } from '../../base/assert.ts';
import type { HistoryValue } from '../history.ts';
import { valueKey } from '../values.ts';
import { type CharReader, endOfText, nameOf } from './char-reader.ts';
import type { EventSource, RawEvent } from './event-source.ts';
import type { ParseLimits } from './limits.ts';
import { ednNumber } from './numbers.ts';

const wordCharactersMax = 4096;
const code = (character: string): number => character.charCodeAt(0);
const hash = code('#');
const colon = code(':');
const quote = code('"');
const backslash = code('\\');
const semicolon = code(';');
const underscore = code('_');
const newline = code('\n');
const openers = { list: code('('), vector: code('['), map: code('{') } as const;
const closers = { list: code(')'), vector: code(']'), map: code('}') } as const;
const escapes = new Map([...'"\\/bfnrt'].map((letter, index) => [letter, '"\\/\b\f\n\r\t'[index]]));
const namedCharacters = new Map([
  ['newline', '\n'],
  ['space', ' '],
  ['tab', '\t'],
  ['return', '\r'],
  ['formfeed', '\f'],
  ['backspace', '\b'],
]);

/**
 * Events from EDN (github.com/edn-format/edn): one map per form, or vectors and lists of maps, as Jepsen and people write them. Keywords
 * lose their colon, tags their name (`#jepsen.history.Op{…}` is a map, `#inst "…"` a string), sets their order: their elements are sorted, so
 * that equal sets are equal.
 */
export class EdnReader implements EventSource {
  readonly #chars: CharReader;
  readonly #limits: ParseLimits;
  /** Collections of events that are open around the next one: what ends each. */
  readonly #around: number[] = [];
  /** A `#` was taken that does not begin `#_`. */
  #isAfterHash = false;
  #elements = 0;
  #depth = 0;

  constructor(chars: CharReader, limits: ParseLimits) {
    this.#chars = chars;
    this.#limits = limits;
  }

  next(): RawEvent | null {
    this.#elements = 0;
    for (;;) {
      const character = this.#skipTrivia();
      const { line, column } = this.#chars;
      if (character === endOfText) {
        if (this.#around.length === 0) return null;
        throw this.#chars.malformed('the file ends within a collection of events');
      }
      if (this.#isAfterHash) {
        this.#readTag();
      } else if (character === openers.map) {
        this.#chars.next();
        return { map: this.#readMap(), line, column };
      } else if (!this.#openOrClose(character)) {
        throw this.#chars.malformed(
          `an event is a map such as {:process 0, :type :invoke, :f :read, :value nil}, not something that begins with ${nameOf(character)}`,
        );
      }
    }
  }

  /** The form that comes next, and nothing after it; for a value by itself. */
  readOnly(): HistoryValue {
    const value = this.#readForm();
    if (this.#skipTrivia() !== endOfText) throw this.#chars.malformed('more than one value');
    return value;
  }

  #openOrClose(character: number): boolean {
    if (character === this.#around.at(-1)) {
      this.#around.pop();
    } else if (character === openers.vector || character === openers.list) {
      this.#around.push(character === openers.vector ? closers.vector : closers.list);
      if (this.#around.length > this.#limits.depthMax) throw this.#tooDeep();
    } else {
      return false;
    }
    this.#chars.next();
    return true;
  }

  #readForm(): HistoryValue {
    const character = this.#isAfterHash ? hash : this.#skipTrivia();
    this.#count(1);
    if (this.#isAfterHash) return this.#readDispatch();
    switch (character) {
      case openers.map:
        this.#chars.next();
        return this.#readMap();
      case openers.vector:
        this.#chars.next();
        return this.#readUntil(closers.vector);
      case openers.list:
        this.#chars.next();
        return this.#readUntil(closers.list);
      case quote:
        this.#chars.next();
        return this.#readString();
      case backslash:
        this.#chars.next();
        return this.#readCharacter();
      default:
        return this.#readWordValue();
    }
  }

  #count(elements: number): void {
    this.#elements += elements;
    if (this.#elements <= this.#limits.elementsPerEventMax) return;
    throw this.#chars.tooLarge(
      `an event of more than ${this.#limits.elementsPerEventMax} elements`,
    );
  }

  /** After `#`: a set, or a tag and the value it stands before. */
  #readDispatch(): HistoryValue {
    if (this.#chars.peek() === openers.map) {
      this.#isAfterHash = false;
      this.#chars.next();
      return sorted(this.#readUntil(closers.map));
    }
    this.#readTag();
    return this.#nested(() => this.#readForm());
  }

  #readTag(): void {
    this.#isAfterHash = false;
    const character = this.#chars.peek();
    const isSymbolic = character === hash;
    if (isSymbolic || !isWordCharacter(character) || isDigit(character)) {
      if (!isSymbolic) throw this.#chars.malformed(`#${nameOf(character)} is not EDN`);
      // ##Inf, ##-Inf, ##NaN: the word that follows is the number.
      this.#chars.next();
      return;
    }
    this.#readWord();
  }

  #readMap(): ReadonlyMap<HistoryValue, HistoryValue> {
    const { line } = this.#chars;
    const items = this.#readUntil(closers.map);
    if (items.length % 2 === 1) {
      throw this.#chars.malformed(`a map (begun in line ${line}) with a key without a value`);
    }
    const map = new Map<HistoryValue, HistoryValue>();
    for (let index = 0; index < items.length; index += 2) {
      map.set(items[index] ?? null, items[index + 1] ?? null);
    }
    if (map.size * 2 < items.length) {
      throw this.#chars.malformed(`a map (begun in line ${line}) with a key twice`);
    }
    return map;
  }

  #readUntil(closer: number): HistoryValue[] {
    const { line } = this.#chars;
    const items: HistoryValue[] = [];
    this.#nested(() => {
      for (;;) {
        const before = items.length;
        this.#chars.takeIntegers(isBlankInLine, items);
        this.#count(items.length - before);
        const character = this.#skipTrivia();
        if (!this.#isAfterHash) {
          if (character === closer) break;
          if (character === endOfText) {
            throw this.#chars.malformed(
              `the file ends within a collection (begun in line ${line}) that lacks its ${nameOf(closer)}`,
            );
          }
        }
        items.push(this.#readForm());
      }
    });
    this.#chars.next();
    return items;
  }

  #nested<Value>(read: () => Value): Value {
    this.#depth += 1;
    if (this.#depth > this.#limits.depthMax) throw this.#tooDeep();
    const value = read();
    this.#depth -= 1;
    return value;
  }

  #tooDeep(): Error {
    return this.#chars.tooLarge(`more than ${this.#limits.depthMax} collections within each other`);
  }

  #readString(): string {
    const { line } = this.#chars;
    const max = this.#limits.stringCharactersMax;
    this.#chars.startTaking();
    for (;;) {
      const character = this.#chars.next();
      if (character === quote) return this.#chars.taken();
      if (character === endOfText) {
        throw this.#chars.malformed(`the file ends within a string (begun in line ${line})`);
      }
      this.#chars.take(character === backslash ? this.#readEscape() : character, max);
    }
  }

  #readEscape(): number {
    const character = this.#chars.next();
    if (character === code('u')) return this.#readHexadecimal();
    const meant = character === endOfText ? undefined : escapes.get(String.fromCharCode(character));
    if (meant === undefined)
      throw this.#chars.malformed(`a string with \\ before ${nameOf(character)}`);
    return meant.charCodeAt(0);
  }

  #readHexadecimal(): number {
    let digits = '';
    for (let count = 0; count < 4; count += 1) digits += String.fromCharCode(this.#chars.next());
    if (!/^[\da-fA-F]{4}$/.test(digits)) throw this.#chars.malformed('\\u without four digits');
    return Number.parseInt(digits, 16);
  }

  /** `\a`, `\newline`, `\u0041`: a string of one character. */
  #readCharacter(): string {
    this.#chars.startTaking();
    const first = this.#chars.next();
    if (first === endOfText) throw this.#chars.malformed('the file ends within a character');
    this.#chars.take(first, wordCharactersMax);
    while (isWordCharacter(this.#chars.peek()))
      this.#chars.take(this.#chars.next(), wordCharactersMax);
    const word = this.#chars.taken();
    if (word.length === 1) return word;
    const unicode = /^u([\da-fA-F]{4})$/.exec(word)?.[1];
    const meant =
      unicode === undefined
        ? namedCharacters.get(word)
        : String.fromCharCode(Number.parseInt(unicode, 16));
    if (meant === undefined) throw this.#chars.malformed(`there is no character \\${word}`);
    return meant;
  }

  #readWordValue(): HistoryValue {
    const character = this.#chars.peek();
    if (!isWordCharacter(character)) {
      throw this.#chars.malformed(`a value cannot begin with ${nameOf(character)}`);
    }
    const { line, column } = this.#chars;
    if (character === colon) {
      this.#chars.next();
      return this.#readWord();
    }
    const word = this.#readWord();
    const first = word.charCodeAt(0);
    const isNumeric = isDigit(first) || (/^[+-]/.test(word) && isDigit(word.charCodeAt(1)));
    if (isNumeric) {
      const number = ednNumber(word);
      if (number !== undefined) return number;
      throw this.#chars.malformed(`${word} (line ${line}, column ${column}) is no number`);
    }
    return wordMeaning(word);
  }

  #readWord(): string {
    this.#chars.startTaking();
    while (isWordCharacter(this.#chars.peek())) {
      this.#chars.take(this.#chars.next(), wordCharactersMax);
    }
    return this.#chars.taken();
  }

  /** Passes blanks, commas, comments and `#_` with what it discards; gives the character after them, `#` when it is taken. */
  #skipTrivia(): number {
    assert(!this.#isAfterHash, 'a tag is read before anything after it');
    for (;;) {
      const character = this.#chars.peek();
      if (isBlank(character)) {
        this.#chars.next();
      } else if (character === semicolon) {
        this.#skipLine();
      } else if (character === hash) {
        this.#chars.next();
        if (this.#chars.peek() !== underscore) {
          this.#isAfterHash = true;
          return hash;
        }
        this.#chars.next();
        this.#nested(() => this.#readForm());
      } else {
        return character;
      }
    }
  }

  #skipLine(): void {
    for (;;) {
      const character = this.#chars.next();
      if (character === newline || character === endOfText) return;
    }
  }
}

function wordMeaning(word: string): HistoryValue {
  switch (word) {
    case 'nil':
      return null;
    case 'true':
      return true;
    case 'false':
      return false;
    // What follows ##; a symbol of that name does not occur in histories.
    case 'Inf':
      return Number.POSITIVE_INFINITY;
    case '-Inf':
      return Number.NEGATIVE_INFINITY;
    case 'NaN':
      return Number.NaN;
    default:
      return word;
  }
}

function sorted(items: HistoryValue[]): readonly HistoryValue[] {
  const areNumbers = items.every((item) => typeof item === 'number');
  if (areNumbers) return items.sort((one, other) => Number(one) - Number(other));
  const keyed = items.map((item) => ({ item, key: String(valueKey(item)) }));
  keyed.sort((one, other) => (one.key < other.key ? -1 : 1));
  return keyed.map(({ item }) => item);
}

function isBlank(character: number): boolean {
  // Control characters up to the blank, and the comma.
  return (character >= 0 && character <= 32) || character === 44;
}

function isBlankInLine(character: number): boolean {
  return character === 32 || character === 44;
}

function isDigit(character: number): boolean {
  return character >= 48 && character <= 57;
}

/** Everything but blanks, `"`, `;`, `\`, and the brackets. `#` may be within a word, though it begins none. */
function isWordCharacter(character: number): boolean {
  return character > 32 && !separators.has(character);
}

const separators: ReadonlySet<number> = new Set([...',";\\()[]{}'].map(code));
