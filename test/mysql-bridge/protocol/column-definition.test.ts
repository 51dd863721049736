import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type ColumnDefinition,
  readColumnDefinition,
  textColumn,
  writeColumnDefinition,
} from '../../../mysql-bridge/protocol/column-definition.ts';
import { ColumnType } from '../../../mysql-bridge/protocol/constants.ts';
import { text, u16, u32 } from './arbitraries.ts';
import { capturedPayloads } from './captured.ts';

const columns: fc.Arbitrary<ColumnDefinition> = fc.record({
  schema: text,
  table: text,
  originalTable: text,
  name: text,
  originalName: text,
  characterSet: u16,
  lengthMax: u32,
  type: fc.nat(255),
  flags: u16,
  decimals: fc.nat(255),
});

test('a captured column is read field by field, and written again as it was', () => {
  const payload = capturedPayloads('rows-deprecate-eof')[1] ?? new Uint8Array();
  const column = readColumnDefinition(payload);

  expect(column).toEqual({
    ...textColumn('@@version_comment'),
    characterSet: 255,
    lengthMax: 87_380,
    type: ColumnType.varString,
    decimals: 31,
  });
  expect(writeColumnDefinition(column)).toEqual(payload);
});

test('every column comes back', () => {
  fc.assert(
    fc.property(columns, (column) => {
      expect(readColumnDefinition(writeColumnDefinition(column))).toEqual(column);
    }),
  );
});

test('a column that is cut anywhere in its fields is malformed', () => {
  const payload = writeColumnDefinition(textColumn('c'));
  // The last two bytes are filler, which nobody needs.
  for (let length = 0; length < payload.length - 2; length += 1) {
    expect(() => readColumnDefinition(payload.subarray(0, length))).toThrow(
      expect.objectContaining({ code: 'MYSQL_PACKET_MALFORMED' }),
    );
  }
});
