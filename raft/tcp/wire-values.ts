import { Packr } from 'msgpackr';

/** Arrays of plain values only: no records, no extensions, so that the bytes mean the same to every decoder. */
const packr = new Packr({ useRecords: false });
const decoder = new TextDecoder();

/** A peer sent bytes that mean nothing here. Caught at the boundary of each decoder and turned into a value. */
export class WireFault extends Error {
  override readonly name = 'WireFault';
}

export function packValues(values: readonly unknown[]): Uint8Array {
  return packr.pack(values);
}

/**
 * The fields of the array that these bytes are. They are read in place, one by one, each as what it must be: a general decoder would
 * reserve memory by what a header claims, knows extension types, and makes objects that are then looked through. Past `valuesMax`
 * values it is a fault, since what is made of a value may take a hundred times its bytes.
 */
export function unpackValues(
  bytes: Uint8Array,
  { valuesMax }: { readonly valuesMax: number },
): TupleReader {
  const cursor = new Cursor(bytes, valuesMax);
  return new TupleReader(cursor, { isWhole: true });
}

/**
 * Takes the fields of a tuple in order, each checked for its type and range. A tuple within is read to its end before what
 * stands behind it.
 */
export class TupleReader {
  readonly #cursor: Cursor;
  readonly #isWhole: boolean;
  #left: number;
  #taken = 0;

  constructor(cursor: Cursor, { isWhole }: { readonly isWhole: boolean }) {
    this.#cursor = cursor;
    this.#isWhole = isWhole;
    const length = cursor.arrayLength();
    if (length === null) throw new WireFault('a tuple is no array');
    this.#left = length;
  }

  get left(): number {
    return this.#left;
  }

  /** A whole number from 0 that a double holds exactly. */
  natural(): number {
    this.#take();
    const value = this.#cursor.number();
    if (value === null || !Number.isSafeInteger(value) || value < 0) {
      throw new WireFault(`field ${this.#taken - 1} is no natural number`);
    }
    return value;
  }

  boolean(): boolean {
    this.#take();
    const type = this.#cursor.type();
    if (type !== Type.yes && type !== Type.no) {
      throw new WireFault(`field ${this.#taken - 1} is no boolean`);
    }
    return type === Type.yes;
  }

  text(): string {
    this.#take();
    const bytes = this.#cursor.text();
    if (bytes === null) throw new WireFault(`field ${this.#taken - 1} is no text`);
    return decoder.decode(bytes);
  }

  /** Bytes as a view on the received frame. */
  bytes(): Uint8Array {
    this.#take();
    const bytes = this.#cursor.bytes();
    if (bytes === null) throw new WireFault(`field ${this.#taken - 1} is no bytes`);
    return bytes;
  }

  /** Whether nil comes next; it is then taken. */
  isNil(): boolean {
    if (this.#left === 0 || this.#cursor.nextType() !== Type.nil) return false;
    this.#take();
    this.#cursor.type();
    return true;
  }

  tuple(): TupleReader {
    this.#take();
    return new TupleReader(this.#cursor, { isWhole: false });
  }

  /** Nothing may be left: a longer tuple is of another wire version. */
  end(): void {
    if (this.#left > 0) throw new WireFault(`${this.#left} fields too many`);
    const surplus = this.#isWhole ? this.#cursor.left : 0;
    if (surplus > 0) throw new WireFault(`${surplus} bytes too many`);
  }

  #take(): void {
    if (this.#left === 0) throw new WireFault(`field ${this.#taken} is missing`);
    this.#left -= 1;
    this.#taken += 1;
  }
}

/** https://github.com/msgpack/msgpack/blob/master/spec.md, as far as it is spoken here. */
const Type = {
  fixArray: 0x90,
  fixText: 0xa0,
  fixEnd: 0xc0,
  nil: 0xc0,
  no: 0xc2,
  yes: 0xc3,
  bytes8: 0xc4,
  double: 0xcb,
  natural8: 0xcc,
  text8: 0xd9,
  array16: 0xdc,
} as const;

/** Walks over the bytes of values. Null is the answer when the next value is of another type; what claims more than is there is a fault. */
class Cursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #valuesMax: number;
  #offset = 0;
  #values = 0;

  constructor(bytes: Uint8Array, valuesMax: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#valuesMax = valuesMax;
  }

  get left(): number {
    return this.#bytes.length - this.#offset;
  }

  /** The byte that says what the next value is, not taken. */
  nextType(): number {
    return this.#bytes[this.#offset] ?? this.#cutOff(1);
  }

  type(): number {
    this.#values += 1;
    if (this.#values > this.#valuesMax) throw new WireFault(`more than ${this.#valuesMax} values`);
    return this.#view.getUint8(this.#advance(1));
  }

  number(): number | null {
    const type = this.type();
    if (type < 0x80) return type;
    if (type === Type.double) return this.#view.getFloat64(this.#advance(8));
    return this.#length(type, Type.natural8);
  }

  /** How many values follow. Each takes a byte at least. */
  arrayLength(): number | null {
    const type = this.type();
    const isShort = type >= Type.fixArray && type < Type.fixText;
    const length = isShort ? type - Type.fixArray : this.#arrayLengthField(type);
    if (length !== null && length > this.left) this.#cutOff(length);
    return length;
  }

  text(): Uint8Array | null {
    const type = this.type();
    const isShort = type >= Type.fixText && type < Type.fixEnd;
    return this.#content(isShort ? type - Type.fixText : this.#length(type, Type.text8));
  }

  bytes(): Uint8Array | null {
    return this.#content(this.#length(this.type(), Type.bytes8));
  }

  #content(length: number | null): Uint8Array | null {
    if (length === null) return null;
    const start = this.#advance(length);
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + start, length);
  }

  #arrayLengthField(type: number): number | null {
    return type < Type.array16 ? null : this.#length(type, Type.array16 - 1);
  }

  /** Three types in a row: with a number of 8, 16 and 32 bits behind. */
  #length(type: number, first: number): number | null {
    switch (type - first) {
      case 0:
        return this.#view.getUint8(this.#advance(1));
      case 1:
        return this.#view.getUint16(this.#advance(2));
      case 2:
        return this.#view.getUint32(this.#advance(4));
      default:
        return null;
    }
  }

  /** Where the next bytes begin; they are taken. */
  #advance(count: number): number {
    const start = this.#offset;
    if (count > this.#bytes.length - start) this.#cutOff(count);
    this.#offset = start + count;
    return start;
  }

  #cutOff(count: number): never {
    throw new WireFault(`cut off: ${count} more at offset ${this.#offset}, ${this.left} are there`);
  }
}
