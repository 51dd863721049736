import { ByteReader, fromUtf8 } from '../../base/bytes.ts';
import { BinlogError, decodeWith } from './binlog-error.ts';
import {
  EventFlag,
  type EventHeader,
  eventChecksumBytes,
  eventHeaderBytes,
} from './event-header.ts';
import { EventType, eventTypeName } from './event-types.ts';
import { type GtidEvent, readGtidEvent, readGtidTaggedEvent } from './gtid-event.ts';
import { queryHeadBytesMax, readQueryEvent } from './statement-events.ts';

/** What an event is to its transaction. */
export type Boundary =
  | { readonly kind: 'begin'; readonly event: GtidEvent }
  | { readonly kind: 'inside' }
  | { readonly kind: 'end' }
  | { readonly kind: 'outside' };

/** Control events are read whole and are short: names are at most 512 bytes. */
export const controlEventBytesMax = 1024;
/** Of a statement only its first words are looked at. */
const statementBytesMax = 32;

const wholeTypes: ReadonlySet<number> = new Set([
  EventType.formatDescription,
  EventType.gtid,
  EventType.gtidTagged,
  EventType.heartbeat,
  EventType.heartbeatV2,
  EventType.rotate,
]);

/** Events of a file or of the stream; none may stand inside a transaction. */
const outsideTypes: ReadonlySet<number> = new Set([
  EventType.formatDescription,
  EventType.heartbeat,
  EventType.heartbeatV2,
  EventType.previousGtids,
  EventType.rotate,
  EventType.stop,
]);

const inside: Boundary = { kind: 'inside' };
const end: Boundary = { kind: 'end' };
const outside: Boundary = { kind: 'outside' };

/** How many of an event's first bytes `TransactionBoundaries` and its owners read. Throws on a control event too long. */
export function headBytesOf(header: EventHeader): number {
  if (header.type === EventType.query) {
    const head = eventHeaderBytes + queryHeadBytesMax + statementBytesMax;
    return Math.min(head, header.eventSize - eventChecksumBytes);
  }
  if (!wholeTypes.has(header.type)) return 0;
  if (header.eventSize > controlEventBytesMax) {
    throw malformed(`a ${eventTypeName(header.type)} event of ${header.eventSize} bytes`);
  }
  return header.eventSize;
}

/**
 * Tells where transactions begin and end: from a GTID event up to XID, XA_PREPARE, a compressed payload, COMMIT,
 * ROLLBACK, or a statement that stands alone (a DDL). The rules are those of MySQL's receiver
 * (`Transaction_boundary_parser`). Throws `BinlogError` on a stream that no healthy server writes.
 */
export class TransactionBoundaries {
  #state: 'outside' | 'begun' | 'in-statements' = 'outside';

  get isInside(): boolean {
    return this.#state !== 'outside';
  }

  /** `head`: the event's first `headBytesOf(header)` bytes. */
  take(header: EventHeader, head: Uint8Array): Boundary {
    switch (header.type) {
      case EventType.gtid:
      case EventType.gtidTagged:
        return this.#begin(header, head);
      case EventType.anonymousGtid:
        throw new BinlogError(
          'MYSQL_BINLOG_UNSUPPORTED',
          'a transaction without a gtid: gtid_mode must be ON',
        );
      case EventType.incident:
        throw new BinlogError(
          'MYSQL_BINLOG_INCIDENT',
          'an incident event: the server lost events of its binlog, see its error log',
        );
      default:
        return this.isInside ? this.#inside(header, head) : takeOutside(header);
    }
  }

  #begin(header: EventHeader, head: Uint8Array): Boundary {
    if (this.isInside) throw malformed('a transaction begins inside another');
    const event = decodeWith({ code: 'MYSQL_BINLOG_MALFORMED', what: 'gtid event' }, () => {
      const reader = new ByteReader(head.subarray(eventHeaderBytes, -eventChecksumBytes));
      return header.type === EventType.gtid ? readGtidEvent(reader) : readGtidTaggedEvent(reader);
    });
    this.#state = 'begun';
    return { kind: 'begin', event };
  }

  #inside(header: EventHeader, head: Uint8Array): Boundary {
    if (outsideTypes.has(header.type)) {
      throw malformed(`a ${eventTypeName(header.type)} event inside a transaction`);
    }
    if (!this.#isLast(header, head)) return inside;
    this.#state = 'outside';
    return end;
  }

  #isLast(header: EventHeader, head: Uint8Array): boolean {
    switch (header.type) {
      case EventType.xid:
      case EventType.xaPrepare:
      case EventType.transactionPayload:
        return true;
      case EventType.query:
        return this.#isLastStatement(statementHead(head));
      default:
        return false;
    }
  }

  #isLastStatement(statement: string): boolean {
    if (statement === 'BEGIN' || statement.startsWith('XA START')) {
      if (this.#state === 'in-statements') throw malformed(`${statement} inside a transaction`);
      this.#state = 'in-statements';
      return false;
    }
    // A statement outside BEGIN is a transaction of its own; inside, only these two end it.
    if (this.#state === 'begun') return true;
    const isRollback = /^ROLLBACK(?! TO\b)/i.test(statement);
    return statement === 'COMMIT' || isRollback;
  }
}

function takeOutside(header: EventHeader): Boundary {
  if (outsideTypes.has(header.type) || isIgnorable(header)) return outside;
  throw malformed(`a ${eventTypeName(header.type)} event outside a transaction`);
}

function isIgnorable(header: EventHeader): boolean {
  return (header.flags & EventFlag.ignorable) !== 0;
}

function statementHead(head: Uint8Array): string {
  return decodeWith({ code: 'MYSQL_BINLOG_MALFORMED', what: 'query event' }, () => {
    const { statement } = readQueryEvent(new ByteReader(head.subarray(eventHeaderBytes)));
    return fromUtf8(statement.subarray(0, statementBytesMax));
  });
}

function malformed(reason: string): BinlogError {
  return new BinlogError('MYSQL_BINLOG_MALFORMED', reason);
}
