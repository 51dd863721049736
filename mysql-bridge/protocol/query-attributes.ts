import { type ByteReader, BytesError } from '../../base/bytes.ts';
import { ColumnType } from './constants.ts';

/** `MAX_QUERY_ATTRIBUTES`-like bound: the count is a 16-bit number in the server's own reader. */
const attributesMax = 0xffff;

/**
 * Steps over the attributes that stand in front of the text of a COM_QUERY when both sides have the capability
 * `queryAttributes`. `MySQL: Client/Server Protocol, COM_QUERY`. Throws BytesError.
 */
export function skipQueryAttributes(reader: ByteReader): void {
  const count = reader.lengthEncodedInteger();
  reader.lengthEncodedInteger(); // The number of parameter sets, always 1.
  if (count === null || count > attributesMax) throw new BytesError(`${count} query attributes`);
  if (count === 0n) return;
  const nullBits = reader.bytes(Math.floor((Number(count) + 7) / 8));
  if (reader.u8() !== 1) throw new BytesError('query attributes without types');
  const types: number[] = [];
  for (let index = 0; index < Number(count); index += 1) {
    types.push(reader.u16() & 0xff);
    reader.lengthEncodedBytes();
  }
  for (const [index, type] of types.entries()) {
    const isNull = ((nullBits[index >>> 3] ?? 0) & (1 << (index & 7))) !== 0;
    if (!isNull) skipBinaryValue(reader, type);
  }
}

function skipBinaryValue(reader: ByteReader, type: number): void {
  switch (type) {
    case ColumnType.null:
      return;
    case ColumnType.tiny:
      reader.bytes(1);
      return;
    case ColumnType.short:
    case ColumnType.year:
      reader.bytes(2);
      return;
    case ColumnType.long:
    case ColumnType.int24:
    case ColumnType.float:
      reader.bytes(4);
      return;
    case ColumnType.longlong:
    case ColumnType.double:
      reader.bytes(8);
      return;
    case ColumnType.date:
    case ColumnType.datetime:
    case ColumnType.timestamp:
    case ColumnType.time:
      reader.bytes(reader.u8());
      return;
    default:
      reader.lengthEncodedBytes();
  }
}
