import {
  ByteReader,
  BytesError,
  ByteWriter,
  bytesEqual,
  fromUtf8,
  utf8,
} from '../../base/bytes.ts';
import { buildEvent, ChecksumAlgorithm } from './checksum.ts';
import {
  decodeEventHeader,
  EventFlag,
  eventChecksumBytes,
  eventHeaderBytes,
} from './event-header.ts';
import { EventType } from './event-types.ts';
import type { BinlogPosition } from './position.ts';

// Events that speak of files and of the stream, not of transactions
// (MySQL source documentation, "Control Events" of the binlog event classes).

/** The first event of a file: how to read the others. */
export interface FormatDescription {
  readonly kind: 'format-description';
  readonly binlogVersion: number;
  readonly serverVersion: string;
  /** When the server started, if this is its first file since; a receiver then drops temporary tables. */
  readonly created: number;
  readonly headerLength: number;
  readonly postHeaderLengths: Uint8Array;
  readonly checksumAlgorithm: number;
}

/** The stream goes on there. */
export interface Rotate {
  readonly kind: 'rotate';
  readonly next: BinlogPosition;
}

/** All transactions of the files before this one, encoded: `GtidSet.decode` reads it. */
export interface PreviousGtids {
  readonly kind: 'previous-gtids';
  readonly encoded: Uint8Array;
}

/** Sent while nothing else is to be sent, and behind transactions that were left out. */
export interface Heartbeat {
  readonly kind: 'heartbeat';
  readonly version: 1 | 2;
  /** Version 1 holds only the lower 32 bits of the offset. */
  readonly position: BinlogPosition;
}

const serverVersionBytes = 50;
const createdOffset = eventHeaderBytes + 2 + serverVersionBytes;
const logPosOffset = 13;
/** File names on the wire: MySQL's `FN_REFLEN` less its zero byte. */
const fileNameBytesMax = 511;

export function readFormatDescription(reader: ByteReader): FormatDescription {
  const binlogVersion = reader.u16();
  const paddedVersion = fromUtf8(reader.bytes(serverVersionBytes));
  const created = reader.u32();
  const headerLength = reader.u8();
  const postHeaderLengths = reader.bytes(reader.left - 1);
  const checksumAlgorithm = reader.u8();
  if (binlogVersion !== 4) throw new BytesError(`binlog format ${binlogVersion}, 4 is known`);
  if (headerLength !== eventHeaderBytes) throw new BytesError(`headers of ${headerLength} bytes`);
  return {
    kind: 'format-description',
    binlogVersion,
    serverVersion: paddedVersion.replace(/\0+$/, ''),
    created,
    headerLength,
    postHeaderLengths,
    checksumAlgorithm,
  };
}

export function writeFormatDescription(writer: ByteWriter, body: FormatDescription): void {
  const serverVersion = utf8(body.serverVersion);
  writer
    .u16(body.binlogVersion)
    .bytes(serverVersion)
    .zeros(serverVersionBytes - serverVersion.length)
    .u32(body.created)
    .u8(body.headerLength)
    .bytes(body.postHeaderLengths)
    .u8(body.checksumAlgorithm);
}

export function readRotate(reader: ByteReader): Rotate {
  const offset = reader.u64();
  return { kind: 'rotate', next: { file: readFileName(reader.rest()), offset } };
}

export function writeRotate(writer: ByteWriter, { next }: Rotate): void {
  writer.u64(next.offset).bytes(utf8(next.file));
}

/** Version 1: the file name, and the offset in the header alone. */
export function readHeartbeat(reader: ByteReader, logPos: number): Heartbeat {
  const position = { file: readFileName(reader.rest()), offset: BigInt(logPos) };
  return { kind: 'heartbeat', version: 1, position };
}

const heartbeatField = { end: 0n, fileName: 1n, offset: 2n } as const;

/** Version 2: fields behind a type and a length, ended by type 0. */
export function readHeartbeatV2(reader: ByteReader): Heartbeat {
  let file = '';
  let offset: bigint | null = null;
  for (;;) {
    const field = reader.lengthEncodedInteger();
    if (field === heartbeatField.end) break;
    const value = reader.lengthEncodedBytes();
    if (field === heartbeatField.fileName) file = readFileName(value);
    else if (field === heartbeatField.offset) offset = readWholeInteger(value);
  }
  if (file === '' || offset === null) throw new BytesError('a heartbeat without a position');
  return { kind: 'heartbeat', version: 2, position: { file, offset } };
}

export function writeHeartbeat(writer: ByteWriter, { version, position }: Heartbeat): void {
  if (version === 1) {
    writer.bytes(utf8(position.file));
    return;
  }
  const offset = new ByteWriter(9).lengthEncodedInteger(position.offset).finish();
  writer
    .lengthEncodedInteger(heartbeatField.fileName)
    .lengthEncodedText(position.file)
    .lengthEncodedInteger(heartbeatField.offset)
    .lengthEncodedBytes(offset)
    .lengthEncodedInteger(heartbeatField.end);
}

/** The first event of a dump, and of every file in it: names the file that the next events are from. */
export function buildArtificialRotate(next: BinlogPosition, serverId: number): Uint8Array {
  const body = new ByteWriter();
  writeRotate(body, { kind: 'rotate', next });
  return buildEvent(
    { timestamp: 0, type: EventType.rotate, serverId, logPos: 0, flags: EventFlag.artificial },
    body.finish(),
  );
}

/** `logPos` of version 1 holds the lower 32 bits; version 2 is for a receiver that asked for it at its dump. */
export function buildHeartbeat(
  { version, position }: Omit<Heartbeat, 'kind'>,
  serverId: number,
): Uint8Array {
  const body = new ByteWriter();
  writeHeartbeat(body, { kind: 'heartbeat', version, position });
  const type = version === 1 ? EventType.heartbeat : EventType.heartbeatV2;
  const logPos = Number(position.offset & 0xffff_ffffn);
  return buildEvent({ timestamp: 0, type, serverId, logPos, flags: 0 }, body.finish());
}

/**
 * A FORMAT_DESCRIPTION event as a source sends it when it does not stand at the head of the stream's first file: without
 * `created`, or the receiver would think the server restarted, and without a place in a file.
 */
export function patchFormatDescription(event: Uint8Array): Uint8Array {
  const patched = event.slice();
  const view = new DataView(patched.buffer);
  view.setUint32(createdOffset, 0, true);
  view.setUint32(logPosOffset, 0, true);
  const header = decodeEventHeader(patched);
  const body = patched.subarray(eventHeaderBytes, patched.length - eventChecksumBytes);
  return buildEvent({ ...header, flags: header.flags & ~EventFlag.binlogInUse }, body);
}

export function hasCrc32({ checksumAlgorithm }: FormatDescription): boolean {
  return checksumAlgorithm === ChecksumAlgorithm.crc32;
}

function readFileName(bytes: Uint8Array): string {
  if (bytes.length === 0 || bytes.length > fileNameBytesMax) {
    throw new BytesError(`a file name of ${bytes.length} bytes`);
  }
  const name = fromUtf8(bytes);
  // Acks carry the name back: one that is written otherwise would be for no file, and perhaps longer than a name may be.
  if (!bytesEqual(utf8(name), bytes)) throw new BytesError('a file name that is not UTF-8');
  return name;
}

function readWholeInteger(bytes: Uint8Array): bigint {
  const reader = new ByteReader(bytes);
  const value = reader.lengthEncodedInteger();
  if (value === null || reader.left > 0)
    throw new BytesError('a heartbeat offset that is no number');
  return value;
}
