import { ByteWriter } from '../../base/bytes.ts';
import { crc32 } from '../../base/crc32.ts';
import {
  EventFlag,
  type EventHeader,
  eventChecksumBytes,
  eventHeaderBytes,
  writeEventHeader,
} from './event-header.ts';
import { EventType } from './event-types.ts';

/** The checksum algorithms that a FORMAT_DESCRIPTION event may announce; only CRC32 is accepted here. */
export const ChecksumAlgorithm = { off: 0, crc32: 1 } as const;

const typeOffset = 4;
const flagsOffset = 17;

/** The checksum that belongs behind an event whose last four bytes are room for it. */
export function eventChecksum(event: Uint8Array): number {
  const covered = event.subarray(0, event.length - eventChecksumBytes);
  if (event[typeOffset] !== EventType.formatDescription) return crc32(covered);
  // MySQL computes it with the in-use flag cleared, so that closing a file does not change it.
  const flags = (event[flagsOffset] ?? 0) & ~EventFlag.binlogInUse;
  const untilFlags = crc32(covered.subarray(0, flagsOffset));
  const withFlags = crc32(Uint8Array.of(flags), untilFlags);
  return crc32(covered.subarray(flagsOffset + 1), withFlags);
}

/** The four bytes behind an event, as a number. */
export function storedChecksum(event: Uint8Array): number {
  const at = event.length - eventChecksumBytes;
  return new DataView(event.buffer, event.byteOffset, event.byteLength).getUint32(at, true);
}

export function isChecksumRight(event: Uint8Array): boolean {
  return eventChecksum(event) === storedChecksum(event);
}

/** A whole event: header with its size filled in, body, checksum. */
export function buildEvent(
  header: Omit<EventHeader, 'eventSize'>,
  body: Uint8Array,
): Uint8Array<ArrayBufferLike> {
  const eventSize = eventHeaderBytes + body.length + eventChecksumBytes;
  const writer = writeEventHeader(new ByteWriter(eventSize), { ...header, eventSize });
  const event = writer.bytes(body).zeros(eventChecksumBytes).finish();
  const view = new DataView(event.buffer, event.byteOffset, event.byteLength);
  view.setUint32(eventSize - eventChecksumBytes, eventChecksum(event), true);
  return event;
}
