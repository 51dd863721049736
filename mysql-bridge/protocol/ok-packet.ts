import { ByteReader, BytesError, ByteWriter, fromUtf8, utf8 } from '../../base/bytes.ts';
import { Capability, ResponseHeader, ServerStatus } from './constants.ts';
import { decoding } from './errors.ts';
import { hasCapability } from './handshake.ts';

/** Success. `MySQL: Client/Server Protocol, OK_Packet`. */
export interface OkPacket {
  readonly affectedRows: bigint;
  readonly lastInsertId: bigint;
  readonly status: number;
  readonly warnings: number;
  readonly message: string;
  /** What changed in the session, undecoded (session-track.ts reads it); null when nothing is told. */
  readonly sessionChanges: Uint8Array | null;
}

/** Nothing but "done", in autocommit mode. */
export const plainOk: OkPacket = {
  affectedRows: 0n,
  lastInsertId: 0n,
  status: ServerStatus.autocommit,
  warnings: 0,
  message: '',
  sessionChanges: null,
};

/** True for an OK that answers a command; the OK that ends a result set begins with 0xfe instead. */
export function isOk(payload: Uint8Array): boolean {
  return payload[0] === ResponseHeader.ok;
}

/** Reads an OK of either header, as laid out under the connection's capabilities. Throws MalformedPacketError. */
export function readOk(payload: Uint8Array, capabilities: number): OkPacket {
  return decoding('OK packet', () => {
    const reader = new ByteReader(payload);
    const header = reader.u8();
    if (header !== ResponseHeader.ok && header !== ResponseHeader.eof) {
      throw new BytesError(`it begins with ${header}`);
    }
    const affectedRows = notNull(reader.lengthEncodedInteger());
    const lastInsertId = notNull(reader.lengthEncodedInteger());
    const status = reader.u16();
    const warnings = reader.u16();
    const { message, sessionChanges } = readTail(reader, capabilities, status);
    return { affectedRows, lastInsertId, status, warnings, message, sessionChanges };
  });
}

/** `endsResultSet`: with the header 0xfe, which takes the place of EOF under `deprecateEof`. */
export function writeOk(
  ok: OkPacket,
  capabilities: number,
  options: { readonly endsResultSet?: boolean } = {},
): Uint8Array {
  const tracksSession = hasCapability(capabilities, Capability.sessionTrack);
  const tells = tracksSession && ok.sessionChanges !== null;
  const status = tells
    ? ok.status | ServerStatus.sessionStateChanged
    : ok.status & ~ServerStatus.sessionStateChanged;
  const writer = new ByteWriter()
    .u8(options.endsResultSet === true ? ResponseHeader.eof : ResponseHeader.ok)
    .lengthEncodedInteger(ok.affectedRows)
    .lengthEncodedInteger(ok.lastInsertId)
    .u16(status)
    .u16(ok.warnings);
  if (!tracksSession) return writer.bytes(utf8(ok.message)).finish();
  if (ok.message !== '' || tells) writer.lengthEncodedText(ok.message);
  if (tells && ok.sessionChanges !== null) writer.lengthEncodedBytes(ok.sessionChanges);
  return writer.finish();
}

function readTail(
  reader: ByteReader,
  capabilities: number,
  status: number,
): Pick<OkPacket, 'message' | 'sessionChanges'> {
  if (!hasCapability(capabilities, Capability.sessionTrack)) {
    return { message: fromUtf8(reader.rest()), sessionChanges: null };
  }
  // The server leaves out a message that is empty when nothing comes behind it.
  const message = reader.left === 0 ? '' : fromUtf8(reader.lengthEncodedBytes());
  const tells = (status & ServerStatus.sessionStateChanged) !== 0 && reader.left > 0;
  return { message, sessionChanges: tells ? reader.lengthEncodedBytes() : null };
}

function notNull(value: bigint | null): bigint {
  if (value === null) throw new BytesError('NULL where a number must be');
  return value;
}
