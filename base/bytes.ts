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

/**
 * Reads little-endian fields in order, as MySQL writes them. Each read is bounds-checked and throws
 * `BytesError`; a decoder catches it at its boundary and answers with a value.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset: number;

  constructor(bytes: Uint8Array, offset = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#offset = offset;
  }

  get offset(): number {
    return this.#offset;
  }

  get left(): number {
    return this.#bytes.length - this.#offset;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u24(): number {
    const at = this.#take(3);
    return this.#view.getUint16(at, true) | (this.#view.getUint8(at + 2) << 16);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** Six bytes, as in a table id. */
  u48(): number {
    const at = this.#take(6);
    return this.#view.getUint32(at, true) + this.#view.getUint16(at + 4, true) * 0x1_0000_0000;
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
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
}

const initialCapacity = 256;

/** Writes little-endian fields in order into one growing buffer. */
export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacity: number = initialCapacity) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    const at = this.#reserve(1);
    this.#view.setUint8(at, value);
    return this;
  }

  u16(value: number): this {
    const at = this.#reserve(2);
    this.#view.setUint16(at, value, true);
    return this;
  }

  u24(value: number): this {
    const at = this.#reserve(3);
    this.#view.setUint16(at, value & 0xffff, true);
    this.#view.setUint8(at + 2, value >>> 16);
    return this;
  }

  u32(value: number): this {
    const at = this.#reserve(4);
    this.#view.setUint32(at, value, true);
    return this;
  }

  u48(value: number): this {
    const at = this.#reserve(6);
    this.#view.setUint32(at, value % 0x1_0000_0000, true);
    this.#view.setUint16(at + 4, Math.floor(value / 0x1_0000_0000), true);
    return this;
  }

  u64(value: bigint): this {
    const at = this.#reserve(8);
    this.#view.setBigUint64(at, value, true);
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
    return this.lengthEncodedBytes(utf8(text));
  }

  /** What was written, as a view; the writer must not be used afterwards. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Makes room first: it may replace the buffer and its view, so call it before touching either. */
  #reserve(length: number): number {
    const at = this.#length;
    const needed = at + length;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#length = needed;
    return at;
  }
}
