import { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { Capability, ResponseHeader, wirePayloadBytesMax } from './constants.ts';
import { decoding } from './errors.ts';
import { hasCapability } from './handshake.ts';
import { readOk } from './ok-packet.ts';

/** The end of column definitions or rows. `MySQL: Client/Server Protocol, EOF_Packet`. */
export interface EofPacket {
  readonly warnings: number;
  readonly status: number;
}

/** A row may begin with 0xfe too (a length of 8 bytes), but is then at least 9 bytes long. */
const eofBytesMax = 8;

/** A classic EOF packet. */
export function isEof(payload: Uint8Array): boolean {
  return payload[0] === ResponseHeader.eof && payload.length <= eofBytesMax;
}

/**
 * The end of the rows under these capabilities: EOF, or an OK with its header. A row that begins with 0xfe holds a value of at
 * least 16 MiB, so length tells them apart.
 */
export function isResultSetEnd(payload: Uint8Array, capabilities: number): boolean {
  if (!hasCapability(capabilities, Capability.deprecateEof)) return isEof(payload);
  return payload[0] === ResponseHeader.eof && payload.length < wirePayloadBytesMax;
}

/** Reads whichever packet `isResultSetEnd` is true for. Throws MalformedPacketError. */
export function readResultSetEnd(payload: Uint8Array, capabilities: number): EofPacket {
  if (hasCapability(capabilities, Capability.deprecateEof)) return readOk(payload, capabilities);
  return decoding('EOF packet', () => {
    const reader = new ByteReader(payload);
    reader.u8();
    return { warnings: reader.u16(), status: reader.u16() };
  });
}

export function writeEof(eof: EofPacket): Uint8Array {
  return new ByteWriter().u8(ResponseHeader.eof).u16(eof.warnings).u16(eof.status).finish();
}
