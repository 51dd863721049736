import { ByteReader, BytesError, type ByteWriter } from '../../base/bytes.ts';

// The common header of binlog format 4, integers little-endian (MySQL source documentation, "Binlog Event Header").
//
//   0  4  timestamp, seconds
//   4  1  type
//   5  4  server id
//   9  4  size of the event, header and checksum included
//  13  4  end of the event in its file, modulo 2^32; 0 in an event that is in no file
//  17  2  flags

export const eventHeaderBytes = 19;
export const eventChecksumBytes = 4;
/** `max_allowed_packet` of a dump: no event is larger (MySQL manual, "Replication and max_allowed_packet"). */
export const eventBytesMax: number = 1024 * 1024 * 1024;

export const EventFlag = {
  /** The file of this FORMAT_DESCRIPTION event was not closed properly, or is being written. */
  binlogInUse: 0x1,
  /** Made for the receiver; stands in no file. */
  artificial: 0x20,
  /** A reader that does not know the type may skip the event. */
  ignorable: 0x80,
} as const;

export interface EventHeader {
  readonly timestamp: number;
  readonly type: number;
  readonly serverId: number;
  readonly eventSize: number;
  readonly logPos: number;
  readonly flags: number;
}

/** Reads a header; throws `BytesError` on too few bytes or a size that no event has. */
export function decodeEventHeader(bytes: Uint8Array, offset = 0): EventHeader {
  const reader = new ByteReader(bytes, offset);
  const header = {
    timestamp: reader.u32(),
    type: reader.u8(),
    serverId: reader.u32(),
    eventSize: reader.u32(),
    logPos: reader.u32(),
    flags: reader.u16(),
  };
  if (header.eventSize < eventHeaderBytes + eventChecksumBytes) {
    throw new BytesError(
      `an event of ${header.eventSize} bytes is too short for header and checksum`,
    );
  }
  if (header.eventSize > eventBytesMax) {
    throw new BytesError(`an event of ${header.eventSize} bytes is longer than ${eventBytesMax}`);
  }
  return header;
}

export function writeEventHeader(writer: ByteWriter, header: EventHeader): ByteWriter {
  return writer
    .u32(header.timestamp)
    .u8(header.type)
    .u32(header.serverId)
    .u32(header.eventSize)
    .u32(header.logPos)
    .u16(header.flags);
}

export function isArtificial(header: EventHeader): boolean {
  return (header.flags & EventFlag.artificial) !== 0;
}
