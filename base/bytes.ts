import { assert } from './assert.ts';

/** Input that is shorter than it claims, or a number past what we can carry. Decoders turn it into a value. */
export class BytesError extends Error {
  override readonly name = 'BytesError';
}

// A byte order mark in front is part of the text: a value of an application may begin with one.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

export function fromUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** One array holding all parts in order. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

export function bytesEqual(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index += 1) {
    if (left[index] !== right[index]) return false;
  }
  return true;
}

// Numbers of 64 bits pass through here. All others are read and written byte by byte: a `DataView` of its own costs a reader or writer
// more than the few fields of most records.
const wide = new Uint8Array(8);
const wideView = new DataView(wide.buffer);

/**
 * Reads little-endian fields in order, as MySQL writes them. Each read is bounds-checked and throws
 * `BytesError`; a decoder catches it at its boundary and answers with a value.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #offset: number;

  constructor(bytes: Uint8Array, offset = 0) {
    this.#bytes = bytes;
    this.#offset = offset;
  }

  get offset(): number {
    return this.#offset;
  }

  get left(): number {
    return this.#bytes.length - this.#offset;
  }

  u8(): number {
    return this.#byteAt(this.#take(1));
  }

  u16(): number {
    return this.#u16At(this.#take(2));
  }

  u24(): number {
    const at = this.#take(3);
    return this.#u16At(at) | (this.#byteAt(at + 2) << 16);
  }

  u32(): number {
    return this.#u32At(this.#take(4));
  }

  /** Six bytes, as in a table id. */
  u48(): number {
    const at = this.#take(6);
    return this.#u32At(at) + this.#u16At(at + 4) * 0x1_0000_0000;
  }

  u64(): bigint {
    const at = this.#take(8);
    for (let place = 0; place < 8; place += 1) wide[place] = this.#byteAt(at + place);
    return wideView.getBigUint64(0, true);
  }

  /** The next `length` bytes, as a view on the same memory. */
  bytes(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  rest(): Uint8Array {
    return this.bytes(this.left);
  }

  /** Bytes up to a zero byte, which is consumed and not returned. */
  nulTerminated(): Uint8Array {
    const end = this.#bytes.indexOf(0, this.#offset);
    if (end === -1) throw new BytesError(`no zero byte after offset ${this.#offset}`);
    const found = this.#bytes.subarray(this.#offset, end);
    this.#offset = end + 1;
    return found;
  }

  /** MySQL's length-encoded integer; `null` is the 0xFB marker of a NULL column. */
  lengthEncodedInteger(): bigint | null {
    const first = this.u8();
    if (first < 0xfb) return BigInt(first);
    if (first === 0xfb) return null;
    if (first === 0xfc) return BigInt(this.u16());
    if (first === 0xfd) return BigInt(this.u24());
    if (first === 0xfe) return this.u64();
    throw new BytesError(`0xff at offset ${this.#offset - 1} is no length`);
  }

  /** Bytes behind a length-encoded length. */
  lengthEncodedBytes(): Uint8Array {
    const length = this.lengthEncodedInteger();
    if (length === null)
      throw new BytesError(`NULL at offset ${this.#offset - 1} where bytes must be`);
    if (length > BigInt(this.left)) {
      throw new BytesError(`${length} bytes claimed, ${this.left} left at offset ${this.#offset}`);
    }
    return this.bytes(Number(length));
  }

  #take(length: number): number {
    if (length < 0 || length > this.left) {
      throw new BytesError(`${length} bytes needed, ${this.left} left at offset ${this.#offset}`);
    }
    const at = this.#offset;
    this.#offset += length;
    return at;
  }

  #byteAt(at: number): number {
    return this.#bytes[at] ?? 0;
  }

  #u16At(at: number): number {
    return this.#byteAt(at) | (this.#byteAt(at + 1) << 8);
  }

  #u32At(at: number): number {
    return (this.#u16At(at) | (this.#u16At(at + 2) << 16)) >>> 0;
  }
}

/** V8 keeps the bytes of an array up to this size in the array itself; every larger one is an allocation of its own outside of the heap. */
const inlineBytesMax = 64;

/** How many bytes `ByteWriter.lengthEncodedInteger` takes for it: the shortest form there is. */
export function lengthEncodedIntegerBytes(value: number | bigint): number {
  if (value < 0xfb) return 1;
  if (value <= 0xffff) return 3;
  return value <= 0xffffff ? 4 : 9;
}

/** Writes little-endian fields in order into one growing buffer. */
export class ByteWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity: number = inlineBytesMax) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    const at = this.#reserve(1);
    this.#bytes[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.#reserve(2);
    this.#bytes[at] = value;
    this.#bytes[at + 1] = value >>> 8;
    return this;
  }

  u24(value: number): this {
    return this.u16(value & 0xffff).u8(value >>> 16);
  }

  u32(value: number): this {
    return this.u16(value & 0xffff).u16(value >>> 16);
  }

  u48(value: number): this {
    return this.u32(value % 0x1_0000_0000).u16(Math.floor(value / 0x1_0000_0000));
  }

  u64(value: bigint): this {
    const at = this.#reserve(8);
    wideView.setBigUint64(0, value, true);
    for (let place = 0; place < 8; place += 1) this.#bytes[at + place] = wide[place] ?? 0;
    return this;
  }

  bytes(value: Uint8Array): this {
    const at = this.#reserve(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  zeros(length: number): this {
    const at = this.#reserve(length);
    this.#bytes.fill(0, at, this.#length);
    return this;
  }

  nulTerminated(text: string): this {
    assert(!text.includes('\0'), 'a zero byte would end the text early');
    return this.bytes(utf8(text)).u8(0);
  }

  lengthEncodedInteger(value: number | bigint): this {
    if (value < 0xfb) return this.u8(Number(value));
    if (value <= 0xffff) return this.u8(0xfc).u16(Number(value));
    if (value <= 0xffffff) return this.u8(0xfd).u24(Number(value));
    return this.u8(0xfe).u64(BigInt(value));
  }

  lengthEncodedBytes(value: Uint8Array): this {
    return this.lengthEncodedInteger(value.length).bytes(value);
  }

  lengthEncodedText(text: string): this {
    return this.#shortAscii(text) ? this : this.lengthEncodedBytes(utf8(text));
  }

  /** What was written, a copy when it is short, else a view; the writer must not be used afterwards. */
  finish(): Uint8Array {
    // A view would move the bytes out of their array, into an allocation of their own: a copy of so few is cheaper.
    return this.#length <= inlineBytesMax
      ? this.#bytes.slice(0, this.#length)
      : this.#bytes.subarray(0, this.#length);
  }

  /** False, with nothing written, unless the text is as most names and numbers are: then an encoder costs more than its work. */
  #shortAscii(text: string): boolean {
    if (text.length > inlineBytesMax) return false;
    const start = this.#length;
    let at = this.#reserve(1 + text.length);
    this.#bytes[at] = text.length;
    for (let place = 0; place < text.length; place += 1) {
      const code = text.charCodeAt(place);
      if (code > 0x7f) {
        this.#length = start;
        return false;
      }
      at += 1;
      this.#bytes[at] = code;
    }
    return true;
  }

  /** Makes room first: it may replace the buffer, so call it before touching that. */
  #reserve(length: number): number {
    const at = this.#length;
    const needed = at + length;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#length = needed;
    return at;
  }
}
