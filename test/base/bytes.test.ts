import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  ByteReader,
  BytesError,
  ByteWriter,
  bytesEqual,
  concatBytes,
  fromUtf8,
  lengthEncodedIntegerBytes,
  utf8,
} from '../../base/bytes.ts';

test('numbers are little-endian, whatever their width', () => {
  const bytes = new ByteWriter().u16(0x0102).u24(0x030405).u32(0x06070809).u48(0x0a0b0c0d0e0f);
  expect([...bytes.u64(0x1112131415161718n).finish()]).toEqual([
    ...[2, 1],
    ...[5, 4, 3],
    ...[9, 8, 7, 6],
    ...[15, 14, 13, 12, 11, 10],
    ...[0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11],
  ]);
});

test('what is written is read again', () => {
  fc.assert(
    fc.property(
      fc.nat(0xffffffff),
      fc.nat(2 ** 48 - 1),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.uint8Array({ maxLength: 300 }),
      (middle, long, longest, blob) => {
        const writer = new ByteWriter(1)
          .u24(middle & 0xffffff)
          .u32(middle)
          .u48(long)
          .u64(longest);
        const reader = new ByteReader(writer.lengthEncodedBytes(blob).finish());
        expect([reader.u24(), reader.u32(), reader.u48(), reader.u64()]).toEqual([
          middle & 0xffffff,
          middle,
          long,
          longest,
        ]);
        expect(reader.lengthEncodedBytes()).toEqual(blob);
        expect(reader.left).toBe(0);
      },
    ),
  );
});

test.each([
  [0n, 1],
  [250n, 1],
  [251n, 3],
  [0xffffn, 3],
  [0x10000n, 4],
  [0xffffffn, 4],
  [0x1000000n, 9],
  [2n ** 64n - 1n, 9],
])('%d takes the shortest length-encoded form, %d bytes', (value, length) => {
  const bytes = new ByteWriter().lengthEncodedInteger(value).finish();
  expect(bytes).toHaveLength(length);
  expect(lengthEncodedIntegerBytes(value)).toBe(length);
  expect(lengthEncodedIntegerBytes(Number(value))).toBe(length);
  expect(new ByteReader(bytes).lengthEncodedInteger()).toBe(value);
});

test('text behind its length is UTF-8, however long it is and wherever it leaves ASCII', () => {
  fc.assert(
    fc.property(
      fc.nat(70),
      fc.string({ unit: 'grapheme', maxLength: 20 }),
      fc.nat(70),
      (before, middle, after) => {
        const text = `${'a'.repeat(before)}${middle}${'z'.repeat(after)}`;
        const written = new ByteWriter(1).u8(1).lengthEncodedText(text).u8(2).finish();
        const expected = new ByteWriter().u8(1).lengthEncodedBytes(utf8(text)).u8(2).finish();
        expect(bytesEqual(written, expected)).toBe(true);
      },
    ),
  );
});

test('no input makes a read go past its end, hang, or throw anything but BytesError', () => {
  const reads: readonly ((reader: ByteReader) => unknown)[] = [
    (reader) => reader.u8(),
    (reader) => reader.u16(),
    (reader) => reader.u24(),
    (reader) => reader.u32(),
    (reader) => reader.u48(),
    (reader) => reader.u64(),
    (reader) => reader.bytes(7),
    (reader) => reader.nulTerminated(),
    (reader) => reader.lengthEncodedInteger(),
    (reader) => reader.lengthEncodedBytes(),
  ];
  const order = fc.array(fc.nat(reads.length - 1), { minLength: 1 });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), order, (bytes, choices) => {
      const reader = new ByteReader(bytes);
      try {
        for (const choice of choices) reads[choice]?.(reader);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(BytesError);
      }
      expect(reader.offset).toBeLessThanOrEqual(bytes.length);
    }),
  );
});

test('a length that claims more than there is is refused before memory is taken for it', () => {
  const claim = new ByteWriter().lengthEncodedInteger(2n ** 63n).finish();
  expect(() => new ByteReader(claim).lengthEncodedBytes()).toThrow('bytes claimed, 0 left');
  expect(() => new ByteReader(Uint8Array.of(0xfb)).lengthEncodedBytes()).toThrow('NULL');
  expect(() => new ByteReader(Uint8Array.of(0xff)).lengthEncodedInteger()).toThrow('no length');
});

test('a view on part of a buffer reads that part', () => {
  const whole = Uint8Array.of(9, 9, 1, 0, 9);
  const reader = new ByteReader(whole.subarray(2, 4));
  expect(reader.u16()).toBe(1);
  expect(() => reader.u8()).toThrow(BytesError);
});

test('joining and comparing agree with text', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' })), (parts) => {
      const joined = concatBytes(parts.map(utf8));
      expect(fromUtf8(joined)).toBe(parts.join(''));
      expect(bytesEqual(joined, utf8(parts.join('')))).toBe(true);
      expect(bytesEqual(joined, utf8(`${parts.join('')}x`))).toBe(false);
    }),
  );
});
