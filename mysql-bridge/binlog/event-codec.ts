import { assertNever } from '../../base/assert.ts';
import { ByteReader, BytesError, ByteWriter } from '../../base/bytes.ts';
import { BinlogError, decodeWith } from './binlog-error.ts';
import { buildEvent, isChecksumRight } from './checksum.ts';
import {
  type FormatDescription,
  type Heartbeat,
  type PreviousGtids,
  type Rotate,
  readFormatDescription,
  readHeartbeat,
  readHeartbeatV2,
  readRotate,
  writeFormatDescription,
  writeHeartbeat,
  writeRotate,
} from './control-events.ts';
import {
  decodeEventHeader,
  type EventHeader,
  eventChecksumBytes,
  eventHeaderBytes,
} from './event-header.ts';
import { EventType, eventTypeName } from './event-types.ts';
import {
  type GtidEvent,
  readGtidEvent,
  readGtidTaggedEvent,
  writeGtidEvent,
  writeGtidTaggedEvent,
} from './gtid-event.ts';
import {
  type QueryEvent,
  readQueryEvent,
  readTransactionPayloadEvent,
  readXaPrepareEvent,
  readXidEvent,
  type TransactionPayloadEvent,
  writeQueryEvent,
  writeTransactionPayloadEvent,
  writeXaPrepareEvent,
  writeXidEvent,
  type XaPrepareEvent,
  type XidEvent,
} from './statement-events.ts';

/** What an event says, without header and checksum. `raw` is any type that nothing here reads. */
export type BinlogEventBody =
  | FormatDescription
  | Rotate
  | PreviousGtids
  | Heartbeat
  | GtidEvent
  | QueryEvent
  | XidEvent
  | XaPrepareEvent
  | TransactionPayloadEvent
  | { readonly kind: 'stop' }
  | { readonly kind: 'raw'; readonly bytes: Uint8Array };

export interface BinlogEvent {
  readonly header: EventHeader;
  readonly body: BinlogEventBody;
}

/**
 * Reads one whole event, checksum verified. Byte fields are views on `event`. Throws `BinlogError`
 * MYSQL_BINLOG_MALFORMED or MYSQL_BINLOG_CHECKSUM.
 */
export function decodeEvent(event: Uint8Array): BinlogEvent {
  return decodeWith({ code: 'MYSQL_BINLOG_MALFORMED', what: 'binlog event' }, () => {
    const header = decodeEventHeader(event);
    if (header.eventSize !== event.length) {
      throw new BytesError(`${event.length} bytes of an event of ${header.eventSize}`);
    }
    if (!isChecksumRight(event)) {
      throw new BinlogError(
        'MYSQL_BINLOG_CHECKSUM',
        `checksum of a ${eventTypeName(header.type)} event of ${event.length} bytes is wrong`,
      );
    }
    const body = event.subarray(eventHeaderBytes, event.length - eventChecksumBytes);
    return { header, body: readBody(header, body) };
  });
}

/** Writes an event: the bytes that `decodeEvent` read, if nothing was changed. Size and checksum are filled in. */
export function encodeEvent({ header, body }: BinlogEvent): Uint8Array {
  const writer = new ByteWriter();
  writeBody(writer, header, body);
  return buildEvent(header, writer.finish());
}

function readBody(header: EventHeader, bytes: Uint8Array): BinlogEventBody {
  const reader = new ByteReader(bytes);
  switch (header.type) {
    case EventType.formatDescription:
      return readFormatDescription(reader);
    case EventType.rotate:
      return readRotate(reader);
    case EventType.previousGtids:
      return { kind: 'previous-gtids', encoded: reader.rest() };
    case EventType.heartbeat:
      return readHeartbeat(reader, header.logPos);
    case EventType.heartbeatV2:
      return readHeartbeatV2(reader);
    case EventType.gtid:
      return readGtidEvent(reader);
    case EventType.gtidTagged:
      return readGtidTaggedEvent(reader);
    case EventType.query:
      return readQueryEvent(reader);
    case EventType.xid:
      return readXidEvent(reader);
    case EventType.xaPrepare:
      return readXaPrepareEvent(reader);
    case EventType.transactionPayload:
      return readTransactionPayloadEvent(reader);
    case EventType.stop:
      return bytes.length === 0 ? { kind: 'stop' } : { kind: 'raw', bytes };
    default:
      return { kind: 'raw', bytes };
  }
}

function writeBody(writer: ByteWriter, header: EventHeader, body: BinlogEventBody): void {
  switch (body.kind) {
    case 'format-description':
      writeFormatDescription(writer, body);
      break;
    case 'rotate':
      writeRotate(writer, body);
      break;
    case 'previous-gtids':
      writer.bytes(body.encoded);
      break;
    case 'heartbeat':
      writeHeartbeat(writer, body);
      break;
    case 'gtid':
      if (header.type === EventType.gtidTagged) writeGtidTaggedEvent(writer, body);
      else writeGtidEvent(writer, body);
      break;
    case 'query':
      writeQueryEvent(writer, body);
      break;
    case 'xid':
      writeXidEvent(writer, body);
      break;
    case 'xa-prepare':
      writeXaPrepareEvent(writer, body);
      break;
    case 'transaction-payload':
      writeTransactionPayloadEvent(writer, body);
      break;
    case 'stop':
      break;
    case 'raw':
      writer.bytes(body.bytes);
      break;
    default:
      assertNever(body);
  }
}
