import { assert } from '../../base/assert.ts';
import { ByteReader, BytesError, ByteWriter, fromUtf8, utf8 } from '../../base/bytes.ts';
import { ResponseHeader } from './constants.ts';
import { decoding } from './errors.ts';

/** Failure. `MySQL: Client/Server Protocol, ERR_Packet`. */
export interface ErrPacket {
  /** The server's error number, such as 1045. */
  readonly number: number;
  /** Five characters; `HY000` where the packet has none (an ERR in place of a greeting). */
  readonly sqlState: string;
  readonly message: string;
}

const sqlStateMarker = 0x23;
const sqlStateBytes = 5;
export function isErr(payload: Uint8Array): boolean {
  return payload[0] === ResponseHeader.err;
}

/** Throws MalformedPacketError. */
export function readErr(payload: Uint8Array): ErrPacket {
  return decoding('ERR packet', () => {
    const reader = new ByteReader(payload);
    const header = reader.u8();
    if (header !== ResponseHeader.err) throw new BytesError(`it begins with ${header}`);
    const number = reader.u16();
    const hasSqlState = payload[reader.offset] === sqlStateMarker;
    const sqlState = hasSqlState ? fromUtf8(reader.bytes(1 + sqlStateBytes)).slice(1) : 'HY000';
    return { number, sqlState, message: fromUtf8(reader.rest()) };
  });
}

export function writeErr(err: ErrPacket): Uint8Array {
  const sqlState = utf8(err.sqlState);
  assert(sqlState.length === sqlStateBytes, `${err.sqlState} is no SQLSTATE`);
  return new ByteWriter()
    .u8(ResponseHeader.err)
    .u16(err.number)
    .u8(sqlStateMarker)
    .bytes(sqlState)
    .bytes(utf8(err.message))
    .finish();
}
