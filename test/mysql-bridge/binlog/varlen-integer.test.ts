import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteReader, BytesError, ByteWriter } from '../../../base/bytes.ts';
import {
  readVarlen,
  readVarlenSigned,
  writeVarlen,
  writeVarlenSigned,
} from '../../../mysql-bridge/binlog/varlen-integer.ts';
import { fromHex, toHex } from './hex.ts';

describe('the examples of MySQL’s documentation', () => {
  test.each([
    [65535n, 'fbff07'],
    [0n, '00'],
    [0xaan, 'a902'],
    [178n, 'c902'],
    [90704n, '83120b'],
    [0xffff_ffff_ffff_ffffn, 'ffffffffffffffffff'],
  ])('unsigned %d', (value, hex) => {
    expect(written(value, writeVarlen)).toBe(hex);
    expect(readVarlen(reader(hex))).toBe(value);
  });

  test.each([
    [65535n, 'f3ff0f'],
    [-65536n, 'fbff0f'],
    [-65535n, 'ebff0f'],
    [5n, '14'],
  ])('signed %d', (value, hex) => {
    expect(written(value, writeVarlenSigned)).toBe(hex);
    expect(readVarlenSigned(reader(hex))).toBe(value);
  });
});

test('every 64-bit value comes back', () => {
  const sized = fc
    .tuple(fc.nat(64), fc.bigInt(0n, (1n << 64n) - 1n))
    .map(([bits, value]) => value & ((1n << BigInt(bits)) - 1n));
  fc.assert(
    fc.property(sized, (value) => {
      expect(readVarlen(reader(written(value, writeVarlen)))).toBe(value);
      const signed = BigInt.asIntN(64, value);
      expect(readVarlenSigned(reader(written(signed, writeVarlenSigned)))).toBe(signed);
    }),
  );
});

test('a cut integer is out of bytes', () => {
  expect(() => readVarlen(reader('ffffffffffffffff'))).toThrow(BytesError);
  expect(() => readVarlen(reader(''))).toThrow(BytesError);
});

function written(value: bigint, write: (writer: ByteWriter, value: bigint) => void): string {
  const writer = new ByteWriter();
  write(writer, value);
  return toHex(writer.finish());
}

function reader(hex: string): ByteReader {
  return new ByteReader(fromHex(hex));
}
