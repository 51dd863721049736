import { ByteReader, ByteWriter, fromUtf8 } from '../../base/bytes.ts';
import { ColumnType, utf8mb4GeneralCi } from './constants.ts';
import { decoding } from './errors.ts';

/** A column of a result set. `MySQL: Client/Server Protocol, ColumnDefinition41`. */
export interface ColumnDefinition {
  readonly schema: string;
  readonly table: string;
  readonly originalTable: string;
  readonly name: string;
  readonly originalName: string;
  readonly characterSet: number;
  readonly lengthMax: number;
  readonly type: number;
  readonly flags: number;
  readonly decimals: number;
}

const fixedFieldsBytes = 12;

/** A column of text, of an expression and no table. */
export function textColumn(name: string): ColumnDefinition {
  return {
    schema: '',
    table: '',
    originalTable: '',
    name,
    originalName: '',
    characterSet: utf8mb4GeneralCi,
    lengthMax: 0xffff,
    type: ColumnType.varString,
    flags: 0,
    decimals: 0,
  };
}

/** Throws MalformedPacketError. */
export function readColumnDefinition(payload: Uint8Array): ColumnDefinition {
  return decoding('column definition', () => {
    const reader = new ByteReader(payload);
    reader.lengthEncodedBytes(); // Catalog, always "def".
    const schema = fromUtf8(reader.lengthEncodedBytes());
    const table = fromUtf8(reader.lengthEncodedBytes());
    const originalTable = fromUtf8(reader.lengthEncodedBytes());
    const name = fromUtf8(reader.lengthEncodedBytes());
    const originalName = fromUtf8(reader.lengthEncodedBytes());
    reader.lengthEncodedInteger();
    return {
      schema,
      table,
      originalTable,
      name,
      originalName,
      characterSet: reader.u16(),
      lengthMax: reader.u32(),
      type: reader.u8(),
      flags: reader.u16(),
      decimals: reader.u8(),
    };
  });
}

export function writeColumnDefinition(column: ColumnDefinition): Uint8Array {
  return new ByteWriter()
    .lengthEncodedText('def')
    .lengthEncodedText(column.schema)
    .lengthEncodedText(column.table)
    .lengthEncodedText(column.originalTable)
    .lengthEncodedText(column.name)
    .lengthEncodedText(column.originalName)
    .lengthEncodedInteger(fixedFieldsBytes)
    .u16(column.characterSet)
    .u32(column.lengthMax)
    .u8(column.type)
    .u16(column.flags)
    .u8(column.decimals)
    .zeros(2)
    .finish();
}
