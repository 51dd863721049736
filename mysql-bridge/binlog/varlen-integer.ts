import { assert } from '../../base/assert.ts';
import { type ByteReader, BytesError, type ByteWriter } from '../../base/bytes.ts';

// MySQL's serialization library (8.3 and later) counts the bytes of an integer in the trailing one bits of its
// first byte: n ones, a zero, then 7 × (n + 1) bits of value, least significant first. Eight ones are followed by
// all 64 bits. (MySQL source documentation, "MySQL Serialization Library", "Variable-length integers".)

const valueMax = 0xffff_ffff_ffff_ffffn;

/** Reads an unsigned integer of 1 to 9 bytes; throws `BytesError` when they are not there. */
export function readVarlen(reader: ByteReader): bigint {
  const first = reader.u8();
  if (first % 2 === 0) return BigInt(first >> 1);
  const followers = Math.min(trailingOnes(first), 8);
  let value = 0n;
  reader.bytes(followers).forEach((byte, index) => {
    value |= BigInt(byte) << BigInt(index * 8);
  });
  // With seven or eight followers the first byte has no room for value bits.
  const bitsInFirst = Math.max(0, 7 - followers);
  return (value << BigInt(bitsInFirst)) | BigInt(first >> (8 - bitsInFirst));
}

/** Reads a signed integer: the sign is the lowest bit, negative numbers are stored as their complement. */
export function readVarlenSigned(reader: ByteReader): bigint {
  const raw = readVarlen(reader);
  return raw % 2n === 0n ? raw >> 1n : -(raw >> 1n) - 1n;
}

/** Reads an unsigned integer that must fit a number, such as a length. */
export function readVarlenNumber(reader: ByteReader): number {
  const value = readVarlen(reader);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new BytesError(`${value} is no length`);
  return Number(value);
}

export function writeVarlen(writer: ByteWriter, value: bigint): void {
  assert(value >= 0n && value <= valueMax, `${value} does not fit 64 bits`);
  const bits = value.toString(2).length;
  const followers = bits > 56 ? 8 : Math.ceil(bits / 7) - 1;
  const bitsInFirst = Math.max(0, 7 - followers);
  const ones = (1 << followers) - 1;
  const low = Number(value & ((1n << BigInt(bitsInFirst)) - 1n));
  writer.u8((ones | (low << (8 - bitsInFirst))) & 0xff);
  let rest = value >> BigInt(bitsInFirst);
  for (let index = 0; index < followers; index += 1) {
    writer.u8(Number(rest & 0xffn));
    rest >>= 8n;
  }
}

export function writeVarlenSigned(writer: ByteWriter, value: bigint): void {
  writeVarlen(writer, value >= 0n ? value << 1n : ((-value - 1n) << 1n) | 1n);
}

function trailingOnes(byte: number): number {
  return 31 - Math.clz32(~byte & -~byte);
}
