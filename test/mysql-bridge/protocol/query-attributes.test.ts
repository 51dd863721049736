import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteReader, BytesError, ByteWriter } from '../../../base/bytes.ts';
import { ColumnType } from '../../../mysql-bridge/protocol/constants.ts';
import { skipQueryAttributes } from '../../../mysql-bridge/protocol/query-attributes.ts';
import { text } from './arbitraries.ts';

interface Attribute {
  readonly name: string;
  readonly type: number;
  /** Null: SQL NULL, which has no value on the wire. */
  readonly value: Uint8Array | null;
}

function bytesOf(length: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: length, maxLength: length });
}

/** Value forms of `MySQL: Client/Server Protocol, Binary Protocol Value`. */
const fixed: readonly [number, number][] = [
  [ColumnType.tiny, 1],
  [ColumnType.short, 2],
  [ColumnType.year, 2],
  [ColumnType.long, 4],
  [ColumnType.int24, 4],
  [ColumnType.float, 4],
  [ColumnType.longlong, 8],
  [ColumnType.double, 8],
];
const times: readonly [number, readonly number[]][] = [
  [ColumnType.date, [0, 4]],
  [ColumnType.datetime, [0, 4, 7, 11]],
  [ColumnType.timestamp, [0, 4, 7, 11]],
  [ColumnType.time, [0, 8, 12]],
];
const texts = [ColumnType.varString, ColumnType.string, ColumnType.blob, ColumnType.newdecimal];

const values: fc.Arbitrary<Omit<Attribute, 'name'>> = fc.oneof(
  ...fixed.map(([type, length]) => bytesOf(length).map((value) => ({ type, value }))),
  ...times.map(([type, lengths]) =>
    fc
      .constantFrom(...lengths)
      .chain(bytesOf)
      .map((value) => ({ type, value: Uint8Array.of(value.length, ...value) })),
  ),
  fc.tuple(fc.constantFrom(...texts), fc.uint8Array({ maxLength: 300 })).map(([type, value]) => ({
    type,
    value: new ByteWriter().lengthEncodedBytes(value).finish(),
  })),
  fc.constantFrom(...texts, ColumnType.null).map((type) => ({ type, value: null })),
);
const attributes: fc.Arbitrary<readonly Attribute[]> = fc.array(
  fc.record({ name: text, typed: values }).map(({ name, typed }) => ({ name, ...typed })),
  { maxLength: 20 },
);

/** As a client writes them in front of the text of a query. */
function written(list: readonly Attribute[]): ByteWriter {
  const writer = new ByteWriter().lengthEncodedInteger(list.length).lengthEncodedInteger(1);
  if (list.length === 0) return writer;
  const nullBits = new Uint8Array(Math.ceil(list.length / 8));
  for (const [index, { value }] of list.entries()) {
    if (value === null) nullBits[index >>> 3] = (nullBits[index >>> 3] ?? 0) | (1 << (index & 7));
  }
  writer.bytes(nullBits).u8(1);
  for (const { type, name } of list) writer.u16(type).lengthEncodedText(name);
  for (const { value } of list) if (value !== null) writer.bytes(value);
  return writer;
}

test('attributes of every type and number are stepped over, up to the text behind them', () => {
  fc.assert(
    fc.property(attributes, fc.uint8Array({ maxLength: 30 }), (list, rest) => {
      const reader = new ByteReader(written(list).bytes(rest).finish());
      skipQueryAttributes(reader);
      expect(Buffer.compare(reader.rest(), rest)).toBe(0);
    }),
  );
});

test('an unsigned integer, whose type has a flag in its second byte, is as long as a signed one', () => {
  const unsigned = ColumnType.long | 0x8000;
  const list = [{ name: 'a', type: unsigned, value: Uint8Array.of(1, 2, 3, 4) }];
  const reader = new ByteReader(written(list).u8(9).finish());

  skipQueryAttributes(reader);

  expect([...reader.rest()]).toEqual([9]);
});

test('attributes that claim more than there is are refused before anything is kept (HAZARDS S1)', () => {
  const claims = [
    new ByteWriter().lengthEncodedInteger(0x1_0000).lengthEncodedInteger(1),
    new ByteWriter().lengthEncodedInteger(0xffff).lengthEncodedInteger(1),
    new ByteWriter().u8(0xfb).u8(1),
    // No types: they were bound before, which a query cannot be.
    new ByteWriter().u8(1).u8(1).u8(0).u8(0),
    written([{ name: 'a', type: ColumnType.longlong, value: Uint8Array.of(1) }]),
  ];
  for (const claim of claims) {
    expect(() => skipQueryAttributes(new ByteReader(claim.finish()))).toThrow(BytesError);
  }
});
