import { BytesError, concatBytes } from '../../base/bytes.ts';
import { crc32 } from '../../base/crc32.ts';
import { BinlogError } from './binlog-error.ts';
import { isChecksumRight } from './checksum.ts';
import {
  decodeEventHeader,
  EventFlag,
  type EventHeader,
  eventChecksumBytes,
  eventHeaderBytes,
} from './event-header.ts';
import { EventType, eventTypeName } from './event-types.ts';

/** Takes events while their bytes still arrive. What it throws ends the scan. */
export interface EventSink {
  /** A header was read. Answers how many of the event's first bytes `onEventEnd` shall be given. */
  onEventStart(header: EventHeader): number;
  /** The event's bytes in order, header and checksum included; a view that is valid during the call. */
  onEventBytes(bytes: Uint8Array): void;
  /** The event is complete and its checksum right. `head` is a view that is valid during the call. */
  onEventEnd(header: EventHeader, head: Uint8Array): void;
}

interface Current {
  readonly header: EventHeader;
  readonly headBytes: number;
  readonly headParts: Uint8Array[];
  headHeld: number;
  /** Bytes still to come, checksum included. */
  left: number;
  crc: number;
}

const flagsOffset = 17;

/**
 * Cuts a stream of bytes into events, wherever the stream itself is cut, and checks each checksum on the way. Holds at
 * most a header, a checksum, and the head that the sink asked for: an event may be 1 GiB.
 */
export class EventScanner {
  readonly #sink: EventSink;
  readonly #header = new Uint8Array(eventHeaderBytes);
  #headerHeld = 0;
  readonly #checksum = new Uint8Array(eventChecksumBytes);
  #current: Current | null = null;

  constructor(sink: EventSink) {
    this.#sink = sink;
  }

  get isBetweenEvents(): boolean {
    return this.#current === null && this.#headerHeld === 0;
  }

  /** Takes bytes up to the end of the current event; answers how many. Throws `BinlogError`. */
  push(bytes: Uint8Array): number {
    if (this.isBetweenEvents && bytes.length >= eventHeaderBytes) {
      const header = readHeader(bytes);
      if (bytes.length >= header.eventSize) return this.#takeWhole(header, bytes);
    }
    const header = this.#current === null ? this.#takeHeader(bytes) : 0;
    const current = this.#current;
    if (current === null) return header;
    const body = bytes.subarray(header, header + current.left);
    this.#takeBody(current, body);
    return header + body.length;
  }

  /** Most events come whole: nothing is copied, and the checksum is one call. */
  #takeWhole(header: EventHeader, bytes: Uint8Array): number {
    const event = bytes.subarray(0, header.eventSize);
    const headBytes = this.#sink.onEventStart(header);
    if (!isChecksumRight(event)) throw wrongChecksum(header);
    this.#sink.onEventBytes(event);
    this.#sink.onEventEnd(header, event.subarray(0, headBytes));
    return event.length;
  }

  /** How many bytes were needed to complete the header; begins the event when it is complete. */
  #takeHeader(bytes: Uint8Array): number {
    const taken = bytes.subarray(0, eventHeaderBytes - this.#headerHeld);
    this.#header.set(taken, this.#headerHeld);
    this.#headerHeld += taken.length;
    if (this.#headerHeld < eventHeaderBytes) return taken.length;
    this.#headerHeld = 0;
    const header = readHeader(this.#header);
    const headBytes = Math.min(this.#sink.onEventStart(header), header.eventSize);
    this.#current = {
      header,
      headBytes,
      headParts: [],
      headHeld: 0,
      left: header.eventSize - eventHeaderBytes,
      crc: crc32(coveredHeader(this.#header, header)),
    };
    if (headBytes > 0) this.#keepHead(this.#current, this.#header.slice());
    this.#sink.onEventBytes(this.#header);
    return taken.length;
  }

  #takeBody(current: Current, bytes: Uint8Array): void {
    // The checksum is not covered by itself; it may be cut in the middle, as everything.
    const covered = Math.max(0, Math.min(bytes.length, current.left - eventChecksumBytes));
    if (covered > 0) current.crc = crc32(bytes.subarray(0, covered), current.crc);
    if (covered < bytes.length) {
      this.#checksum.set(bytes.subarray(covered), eventChecksumBytes - (current.left - covered));
    }
    current.left -= bytes.length;
    if (bytes.length > 0) this.#sink.onEventBytes(bytes);
    const isWhole = current.left === 0;
    // What arrives with the end of the event needs no copy.
    if (current.headHeld < current.headBytes) {
      this.#keepHead(current, isWhole ? bytes : bytes.slice(0, current.headBytes));
    }
    if (isWhole) this.#end(current);
  }

  #keepHead(current: Current, bytes: Uint8Array): void {
    const part = bytes.subarray(0, current.headBytes - current.headHeld);
    current.headParts.push(part);
    current.headHeld += part.length;
  }

  #end(current: Current): void {
    const { header, headParts, crc } = current;
    const [a = 0, b = 0, c = 0, d = 0] = this.#checksum;
    const stored = (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
    if (stored !== crc) throw wrongChecksum(header);
    this.#current = null;
    this.#sink.onEventEnd(header, concatBytes(headParts));
  }
}

function readHeader(bytes: Uint8Array): EventHeader {
  try {
    return decodeEventHeader(bytes);
  } catch (thrown) {
    if (!(thrown instanceof BytesError)) throw thrown;
    throw new BinlogError('MYSQL_BINLOG_MALFORMED', thrown.message, { cause: thrown });
  }
}

function wrongChecksum({ type, eventSize }: EventHeader): BinlogError {
  return new BinlogError(
    'MYSQL_BINLOG_CHECKSUM',
    `checksum of a ${eventTypeName(type)} event of ${eventSize} bytes is wrong`,
  );
}

/** The header as the checksum sees it: the in-use flag of a file does not count. */
function coveredHeader(bytes: Uint8Array, header: EventHeader): Uint8Array {
  if (header.type !== EventType.formatDescription) return bytes;
  return bytes.with(flagsOffset, (bytes[flagsOffset] ?? 0) & ~EventFlag.binlogInUse);
}
