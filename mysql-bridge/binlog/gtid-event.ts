import {
  type ByteReader,
  BytesError,
  ByteWriter,
  concatBytes,
  fromUtf8,
  utf8,
} from '../../base/bytes.ts';
import { type Gtid, gtidNumberMax, isGtidTag } from './gtid.ts';
import { decodeServerUuid, encodeServerUuid, serverUuidBytes } from './server-uuid.ts';
import {
  readVarlen,
  readVarlenNumber,
  readVarlenSigned,
  writeVarlen,
  writeVarlenSigned,
} from './varlen-integer.ts';

/** The first event of a transaction (MySQL source documentation, `Gtid_event`). */
export interface GtidEvent {
  readonly kind: 'gtid';
  readonly gtid: Gtid;
  readonly flags: number;
  /** Logical clock of the parallel applier: may run beside all transactions behind `lastCommitted`. */
  readonly lastCommitted: bigint;
  readonly sequenceNumber: bigint;
  /** Microseconds since 1970, on the server this came from and on the one that first committed it. */
  readonly immediateCommitTimestamp: bigint;
  /** Null when it is the same. */
  readonly originalCommitTimestamp: bigint | null;
  /** Bytes of the whole transaction, this event and all checksums included. */
  readonly transactionLength: bigint;
  readonly immediateServerVersion: number;
  /** Null when it is the same. */
  readonly originalServerVersion: number | null;
  readonly commitGroupTicket: bigint | null;
  /** What a newer server wrote behind the fields known here. */
  readonly unknown: Uint8Array;
}

// GTID, type 33:
//
//   0   1  flags
//   1  16  server uuid
//  17   8  transaction number
//  25   1  kind of logical clock, 2
//  26   8  last committed
//  34   8  sequence number
//  42   7  immediate commit timestamp; bit 55 set: 7 bytes of original commit timestamp follow
//       n  transaction length, length-encoded
//       4  immediate server version; bit 31 set: 4 bytes of original server version follow
//       8  commit group ticket, only if there is one

const logicalClockKind = 2;
const timestampFlag = 1n << 55n;
const versionFlag = 0x8000_0000;

export function readGtidEvent(reader: ByteReader): GtidEvent {
  const flags = reader.u8();
  const serverUuid = decodeServerUuid(reader.bytes(serverUuidBytes));
  const number = checkedNumber(reader.u64());
  const clock = reader.u8();
  if (clock !== logicalClockKind) throw new BytesError(`logical clock of kind ${clock}`);
  const lastCommitted = reader.u64();
  const sequenceNumber = reader.u64();
  const immediate = readU56(reader);
  const original = (immediate & timestampFlag) === 0n ? null : readU56(reader);
  const transactionLength = reader.lengthEncodedInteger();
  if (transactionLength === null) throw new BytesError('a transaction length that is NULL');
  const version = reader.u32();
  const hasOriginalVersion = version >= versionFlag;
  return {
    kind: 'gtid',
    gtid: { serverUuid, tag: '', number },
    flags,
    lastCommitted,
    sequenceNumber,
    immediateCommitTimestamp: immediate & ~timestampFlag,
    originalCommitTimestamp: original,
    transactionLength,
    immediateServerVersion: hasOriginalVersion ? version - versionFlag : version,
    originalServerVersion: hasOriginalVersion ? reader.u32() : null,
    commitGroupTicket: reader.left >= 8 ? reader.u64() : null,
    unknown: reader.rest(),
  };
}

export function writeGtidEvent(writer: ByteWriter, event: GtidEvent): void {
  const { originalCommitTimestamp, originalServerVersion } = event;
  writer
    .u8(event.flags)
    .bytes(encodeServerUuid(event.gtid.serverUuid))
    .u64(event.gtid.number)
    .u8(logicalClockKind)
    .u64(event.lastCommitted)
    .u64(event.sequenceNumber);
  const timestampMark = originalCommitTimestamp === null ? 0n : timestampFlag;
  writeU56(writer, event.immediateCommitTimestamp | timestampMark);
  if (originalCommitTimestamp !== null) writeU56(writer, originalCommitTimestamp);
  writer.lengthEncodedInteger(event.transactionLength);
  writer.u32(event.immediateServerVersion + (originalServerVersion === null ? 0 : versionFlag));
  if (originalServerVersion !== null) writer.u32(originalServerVersion);
  if (event.commitGroupTicket !== null) writer.u64(event.commitGroupTicket);
  writer.bytes(event.unknown);
}

// GTID_TAGGED, type 42, in the format of MySQL's serialization library: version, size of the whole message, last field
// that may not be ignored, then fields behind their numbers, ascending, all integers of variable length.

const field = {
  flags: 0,
  serverUuid: 1,
  number: 2,
  tag: 3,
  lastCommitted: 4,
  sequenceNumber: 5,
  immediateCommitTimestamp: 6,
  originalCommitTimestamp: 7,
  transactionLength: 8,
  immediateServerVersion: 9,
  originalServerVersion: 10,
  commitGroupTicket: 11,
} as const;
const messageVersion = 1;

export function readGtidTaggedEvent(reader: ByteReader): GtidEvent {
  const messageBytes = reader.left;
  const version = readVarlenNumber(reader);
  if (version !== messageVersion) throw new BytesError(`serialization version ${version}`);
  const claimed = readVarlenNumber(reader);
  if (claimed !== messageBytes) {
    throw new BytesError(`a message of ${claimed} bytes where ${messageBytes} are`);
  }
  const lastNeeded = readVarlenNumber(reader);
  if (lastNeeded > field.commitGroupTicket) throw new BytesError(`field ${lastNeeded} is unknown`);
  const fields = new FieldReader(reader);
  const event = {
    flags: Number(fields.required(field.flags, readVarlen)),
    serverUuid: fields.required(field.serverUuid, readUuidFields),
    number: fields.required(field.number, readVarlenSigned),
    tag: fields.required(field.tag, readText),
    lastCommitted: fields.required(field.lastCommitted, readVarlenSigned),
    sequenceNumber: fields.required(field.sequenceNumber, readVarlenSigned),
    immediateCommitTimestamp: fields.required(field.immediateCommitTimestamp, readVarlen),
    originalCommitTimestamp: fields.optional(field.originalCommitTimestamp, readVarlen),
    transactionLength: fields.required(field.transactionLength, readVarlen),
    immediateServerVersion: fields.required(field.immediateServerVersion, readVarlenNumber),
    originalServerVersion: fields.optional(field.originalServerVersion, readVarlenNumber),
    commitGroupTicket: fields.optional(field.commitGroupTicket, readVarlen),
  };
  const { serverUuid, number, tag, ...rest } = event;
  if (tag !== '' && !isGtidTag(tag)) throw new BytesError(`${JSON.stringify(tag)} is no gtid tag`);
  const gtid = { serverUuid, tag, number: checkedNumber(number) };
  return { kind: 'gtid', gtid, ...rest, unknown: fields.rest() };
}

/** Fields in ascending order; the number of the next one is read ahead. */
class FieldReader {
  readonly #reader: ByteReader;
  #next: number | null = null;

  constructor(reader: ByteReader) {
    this.#reader = reader;
    this.#advance();
  }

  required<Value>(number: number, read: (reader: ByteReader) => Value): Value {
    const value = this.optional(number, read);
    if (value === null) throw new BytesError(`field ${number} is missing`);
    return value;
  }

  optional<Value>(number: number, read: (reader: ByteReader) => Value): Value | null {
    if (this.#next !== number) return null;
    const value = read(this.#reader);
    this.#advance();
    return value;
  }

  /** Everything from the first field not read, its number included. */
  rest(): Uint8Array {
    if (this.#next === null) return new Uint8Array();
    const number = new ByteWriter(9);
    writeVarlen(number, BigInt(this.#next));
    return concatBytes([number.finish(), this.#reader.rest()]);
  }

  #advance(): void {
    this.#next = this.#reader.left === 0 ? null : readVarlenNumber(this.#reader);
  }
}

export function writeGtidTaggedEvent(writer: ByteWriter, event: GtidEvent): void {
  const fields = writeTaggedFields(event).finish();
  // Version and last needed field take a byte each, and the size counts itself: one byte reaches to 127.
  const others = fields.length + 2;
  const sizeBytes = others + 1 <= 127 ? 1 : 2;
  writeVarlen(writer, BigInt(messageVersion));
  writeVarlen(writer, BigInt(others + sizeBytes));
  writeVarlen(writer, 0n);
  writer.bytes(fields);
}

function writeTaggedFields(event: GtidEvent): ByteWriter {
  const writer = new ByteWriter();
  const put = (number: number, write: () => void): void => {
    writeVarlen(writer, BigInt(number));
    write();
  };
  const putUnsigned = (number: number, value: bigint | number | null): void => {
    if (value !== null) put(number, () => writeVarlen(writer, BigInt(value)));
  };
  const putSigned = (number: number, value: bigint): void => {
    put(number, () => writeVarlenSigned(writer, value));
  };
  const tag = utf8(event.gtid.tag);
  putUnsigned(field.flags, event.flags);
  put(field.serverUuid, () => {
    for (const byte of encodeServerUuid(event.gtid.serverUuid)) writeVarlen(writer, BigInt(byte));
  });
  putSigned(field.number, event.gtid.number);
  put(field.tag, () => {
    writeVarlen(writer, BigInt(tag.length));
    writer.bytes(tag);
  });
  putSigned(field.lastCommitted, event.lastCommitted);
  putSigned(field.sequenceNumber, event.sequenceNumber);
  putUnsigned(field.immediateCommitTimestamp, event.immediateCommitTimestamp);
  putUnsigned(field.originalCommitTimestamp, event.originalCommitTimestamp);
  putUnsigned(field.transactionLength, event.transactionLength);
  putUnsigned(field.immediateServerVersion, event.immediateServerVersion);
  putUnsigned(field.originalServerVersion, event.originalServerVersion);
  putUnsigned(field.commitGroupTicket, event.commitGroupTicket);
  return writer.bytes(event.unknown);
}

/** The library stores an array byte by byte, each as an integer of one or two bytes. */
function readUuidFields(reader: ByteReader): string {
  const bytes = new Uint8Array(serverUuidBytes);
  for (let index = 0; index < serverUuidBytes; index += 1) {
    const byte = readVarlenNumber(reader);
    if (byte > 0xff) throw new BytesError(`${byte} is no byte of a uuid`);
    bytes[index] = byte;
  }
  return decodeServerUuid(bytes);
}

function readText(reader: ByteReader): string {
  return fromUtf8(reader.bytes(readVarlenNumber(reader)));
}

function checkedNumber(number: bigint): bigint {
  if (number < 1n || number > gtidNumberMax) throw new BytesError(`${number} is no gtid number`);
  return number;
}

function readU56(reader: ByteReader): bigint {
  return BigInt(reader.u32()) | (BigInt(reader.u24()) << 32n);
}

function writeU56(writer: ByteWriter, value: bigint): void {
  writer.u32(Number(value & 0xffff_ffffn)).u24(Number(value >> 32n));
}
