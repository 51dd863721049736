import { assert } from '../../base/assert.ts';
import {
  ByteReader,
  BytesError,
  ByteWriter,
  fromUtf8,
  lengthEncodedIntegerBytes,
  utf8,
} from '../../base/bytes.ts';
import { BinlogError, decodeWith } from './binlog-error.ts';
import { type Gtid, gtidNumberMax, isGtidTag } from './gtid.ts';
import { decodeServerUuid, encodeServerUuid, serverUuidBytes } from './server-uuid.ts';

/** Everything about an `EntryPayload` but its events. */
export interface EntryPayloadHeader {
  readonly gtid: Gtid;
  /** 0 for a whole transaction and for a first fragment. */
  readonly fragment: number;
  /** The last fragment, or a whole transaction. */
  readonly isFinal: boolean;
  /** Bytes of all events of the transaction, checksums included: the GTID event's `transaction_length`. */
  readonly transactionBytes: bigint;
}

/**
 * What a `data` entry of the Raft log means: a whole binlog transaction, or one fragment of a large one. The fragments of a
 * transaction are consecutive `data` entries **of one term**, numbered from 0, the last one marked. Fragments followed by
 * anything else (a no-op of a new leader, another transaction) are abandoned: their transaction never committed. A
 * transaction is committed when its final entry is (HAZARDS G9).
 */
export interface EntryPayload extends EntryPayloadHeader {
  /** This entry's part of the raw events, as in the binlog file of the server that wrote them. */
  readonly events: Uint8Array;
}

// Version 1. Integers marked n are MySQL's length-encoded ones, always in their shortest form.
//
//   0   1  version, 1
//   1   1  flags: 1 final, 2 tagged
//   2  16  server uuid
//  18   n  transaction number
//       n  transaction bytes
//       n  fragment
//       n  tag behind its length, only when tagged
//          events, to the end
//
// There is no checksum: the Raft log and the transport have one, and so has every event.

const version = 1;
const flag = { final: 1, tagged: 2 } as const;
const flagsKnown = flag.final | flag.tagged;
/** No header is longer: 18 fixed bytes, three integers of at most 9, a tag of at most 32. */
export const entryPayloadHeaderBytesMax: number = 18 + 3 * 9 + 1 + 32;

/** The bytes in front of the events, for one who writes the events behind it in place. */
export function encodeEntryPayloadHeader(header: EntryPayloadHeader): Uint8Array {
  return writeHeader(new ByteWriter(entryPayloadHeaderBytesMax), header).finish();
}

export function encodeEntryPayload(payload: EntryPayload): Uint8Array {
  const capacity = entryPayloadHeaderBytesMax + payload.events.length;
  return writeHeader(new ByteWriter(capacity), payload).bytes(payload.events).finish();
}

/** Reads an entry's payload; `events` is a view on `bytes`. Throws `BinlogError` MYSQL_ENTRY_PAYLOAD_MALFORMED. */
export function decodeEntryPayload(bytes: Uint8Array): EntryPayload {
  const { header, eventsAt } = readHeader(bytes);
  const events = bytes.subarray(eventsAt);
  const eventBytes = BigInt(events.length);
  const isWhole = header.isFinal && header.fragment === 0;
  if (isWhole ? eventBytes !== header.transactionBytes : eventBytes > header.transactionBytes) {
    throw malformed(`${eventBytes} bytes of a transaction of ${header.transactionBytes}`);
  }
  if (events.length === 0) throw malformed('no events');
  return { ...header, events };
}

/** As `decodeEntryPayload`, without a look at the events: cheap, for one who only asks which transaction it is. */
export function decodeEntryPayloadHeader(bytes: Uint8Array): EntryPayloadHeader {
  return readHeader(bytes).header;
}

function writeHeader(writer: ByteWriter, header: EntryPayloadHeader): ByteWriter {
  const { gtid, fragment, isFinal, transactionBytes } = header;
  assert(gtid.number >= 1n && gtid.number <= gtidNumberMax, `${gtid.number} is no gtid number`);
  assert(Number.isSafeInteger(fragment) && fragment >= 0, `${fragment} is no fragment number`);
  assert(transactionBytes > 0n, 'a transaction has bytes');
  const isTagged = gtid.tag !== '';
  writer
    .u8(version)
    .u8((isFinal ? flag.final : 0) | (isTagged ? flag.tagged : 0))
    .bytes(encodeServerUuid(gtid.serverUuid))
    .lengthEncodedInteger(gtid.number)
    .lengthEncodedInteger(transactionBytes)
    .lengthEncodedInteger(fragment);
  if (isTagged) writer.lengthEncodedBytes(utf8(gtid.tag));
  return writer;
}

function readHeader(bytes: Uint8Array): {
  readonly header: EntryPayloadHeader;
  readonly eventsAt: number;
} {
  return decodeWith({ code: 'MYSQL_ENTRY_PAYLOAD_MALFORMED', what: 'entry payload' }, () => {
    const reader = new ByteReader(bytes);
    const { isFinal, isTagged } = readFlags(reader);
    const serverUuid = decodeServerUuid(reader.bytes(serverUuidBytes));
    const number = readInteger(reader);
    const transactionBytes = readInteger(reader);
    const fragment = Number(readInteger(reader));
    const tag = isTagged ? readTag(reader) : '';
    if (number < 1n || number > gtidNumberMax) throw malformed(`gtid number ${number}`);
    if (transactionBytes < 1n) throw malformed('a transaction of no bytes');
    if (!Number.isSafeInteger(fragment)) throw malformed(`fragment ${fragment}`);
    const gtid = { serverUuid, tag, number };
    return { header: { gtid, fragment, isFinal, transactionBytes }, eventsAt: reader.offset };
  });
}

function readFlags(reader: ByteReader): { readonly isFinal: boolean; readonly isTagged: boolean } {
  const found = reader.u8();
  if (found !== version) throw malformed(`version ${found} is unknown, ${version} is known`);
  const flags = reader.u8();
  if ((flags & ~flagsKnown) !== 0) throw malformed(`flags 0x${flags.toString(16)} are unknown`);
  return { isFinal: (flags & flag.final) !== 0, isTagged: (flags & flag.tagged) !== 0 };
}

function readTag(reader: ByteReader): string {
  const tag = fromUtf8(reader.lengthEncodedBytes());
  if (!isGtidTag(tag)) throw malformed(`tag ${JSON.stringify(tag)}`);
  return tag;
}

/** Refuses a longer form than needed, so that equal payloads have equal bytes. */
function readInteger(reader: ByteReader): bigint {
  const start = reader.offset;
  const value = reader.lengthEncodedInteger();
  if (value === null) throw new BytesError(`NULL at offset ${start} where a number must be`);
  if (lengthEncodedIntegerBytes(value) !== reader.offset - start) {
    throw new BytesError(`${value} at offset ${start} is not in its shortest form`);
  }
  return value;
}

function malformed(reason: string): BinlogError {
  return new BinlogError('MYSQL_ENTRY_PAYLOAD_MALFORMED', `entry payload: ${reason}`);
}
