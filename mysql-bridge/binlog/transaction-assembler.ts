import { assert } from '../../base/assert.ts';
import { ByteReader } from '../../base/bytes.ts';
import type { PacketPiece } from '../protocol/packet-piece.ts';
import type { AssemblerEffect } from './assembler-effects.ts';
import { BinlogError, decodeWith } from './binlog-error.ts';
import {
  hasCrc32,
  readFormatDescription,
  readHeartbeat,
  readHeartbeatV2,
  readRotate,
} from './control-events.ts';
import {
  type EventHeader,
  eventChecksumBytes,
  eventHeaderBytes,
  isArtificial,
} from './event-header.ts';
import { EventScanner } from './event-scanner.ts';
import { EventType } from './event-types.ts';
import { FragmentWriter } from './fragment-writer.ts';
import type { Gtid } from './gtid.ts';
import type { GtidEvent } from './gtid-event.ts';
import { PositionTracker } from './position-tracker.ts';
import { headBytesOf, TransactionBoundaries } from './transaction-boundary.ts';

/** Event bytes per payload. An entry must fit a message to a peer, and a large transaction must not hold up small ones. */
export const fragmentBytesMaxDefault: number = 1024 * 1024;

const semisyncMagic = 0xef;

interface Transaction {
  readonly gtid: Gtid;
  readonly transactionBytes: bigint;
  readonly writer: FragmentWriter;
  needsAck: boolean;
  readonly commitTimestampUs: number;
  connectionId: number;
}

/**
 * Makes entry payloads of a binlog dump, one transaction per GTID, while its packets still arrive: it holds about one
 * fragment of the transaction, however large that is or its events are. One assembler per dump connection.
 *
 * A transaction's length stands in its GTID event, and its last event shows by its kind that it is the last: both must
 * agree. Every checksum is verified before the final payload leaves; a fragment before it may turn out to belong to a
 * damaged transaction, and is then abandoned like that of a lost connection (`EntryPayload`, HAZARDS G9).
 *
 * ERR and EOF packets end a dump and are not for the assembler.
 */
export class TransactionAssembler {
  readonly #hasSemisyncHeader: boolean;
  readonly #fragmentBytesMax: number;
  readonly #scanner: EventScanner;
  readonly #boundaries = new TransactionBoundaries();
  readonly #tracker = new PositionTracker();
  #effects: AssemblerEffect[] = [];
  #transaction: Transaction | null = null;
  #packet: { prefixHeld: number; needsAck: boolean; hasEvent: boolean } | null = null;
  #isFaulty = false;

  constructor(options: {
    /** The dump was asked for as a semisync replica. */
    readonly hasSemisyncHeader: boolean;
    readonly fragmentBytesMax?: number;
  }) {
    this.#hasSemisyncHeader = options.hasSemisyncHeader;
    this.#fragmentBytesMax = options.fragmentBytesMax ?? fragmentBytesMaxDefault;
    assert(this.#fragmentBytesMax >= 1, 'a fragment holds at least one byte');
    this.#scanner = new EventScanner({
      onEventStart: (header) => this.#onEventStart(header),
      onEventBytes: (bytes) => this.#onEventBytes(bytes),
      onEventEnd: (header, head) => this.#onEventEnd(header, head),
    });
  }

  /** Takes the next piece of the dump. After a fault it answers nothing. */
  step(piece: PacketPiece): readonly AssemblerEffect[] {
    if (this.#isFaulty) return [];
    this.#effects = [];
    try {
      this.#takePiece(piece);
    } catch (thrown) {
      if (!(thrown instanceof BinlogError)) throw thrown;
      this.#isFaulty = true;
      this.#transaction = null;
      this.#effects.push({ kind: 'fault', code: thrown.code, reason: thrown.message });
    }
    return this.#effects;
  }

  #takePiece(piece: PacketPiece): void {
    if (piece.isFirst !== (this.#packet === null)) {
      throw malformed(piece.isFirst ? 'a packet begins inside another' : 'a packet without a head');
    }
    this.#packet ??= { prefixHeld: 0, needsAck: false, hasEvent: false };
    let rest = piece.bytes.subarray(this.#takePrefix(piece.bytes));
    while (rest.length > 0) {
      if (this.#packet.hasEvent) throw malformed(`${rest.length} bytes behind the event`);
      rest = rest.subarray(this.#scanner.push(rest));
    }
    if (!piece.isLast) return;
    if (!this.#packet.hasEvent) throw malformed('a packet ends inside its event');
    this.#packet = null;
  }

  /** Status byte and, in a semisynchronous dump, magic and flag; answers how many bytes of them these were. */
  #takePrefix(bytes: Uint8Array): number {
    const packet = this.#packet;
    assert(packet !== null, 'a prefix belongs to a packet');
    const prefixBytes = this.#hasSemisyncHeader ? 3 : 1;
    let taken = 0;
    for (const byte of bytes.subarray(0, prefixBytes - packet.prefixHeld)) {
      checkPrefixByte(packet.prefixHeld, byte);
      if (packet.prefixHeld === 2) packet.needsAck = byte === 1;
      packet.prefixHeld += 1;
      taken += 1;
    }
    return taken;
  }

  #onEventStart(header: EventHeader): number {
    const left = this.#transaction?.writer.left;
    if (left !== undefined && header.eventSize > left) {
      throw malformed(`an event of ${header.eventSize} bytes where the transaction has ${left}`);
    }
    return headBytesOf(header);
  }

  #onEventBytes(bytes: Uint8Array): void {
    // A GTID event is kept whole by the scanner, and written when its transaction is known.
    this.#transaction?.writer.write(bytes, (effect) => this.#effects.push(effect));
  }

  #onEventEnd(header: EventHeader, head: Uint8Array): void {
    assert(this.#packet !== null, 'an event belongs to a packet');
    this.#packet.hasEvent = true;
    const wasInside = this.#boundaries.isInside;
    const boundary = this.#boundaries.take(header, head);
    this.#tracker.advance(header, { mayJump: !wasInside });
    if (boundary.kind === 'begin') this.#begin(boundary.event, head);
    if (this.#transaction !== null && this.#packet.needsAck) this.#transaction.needsAck = true;
    if (header.type === EventType.query) this.#takeConnection(head);
    if (boundary.kind === 'outside') this.#control(header, head);
    if (boundary.kind === 'end') this.#end();
    else if (this.#transaction?.writer.left === 0) {
      throw malformed('a transaction is complete by its length, not by its last event');
    }
  }

  /** Of the first statement, which is BEGIN or stands alone. Its head was read, so it is long enough. */
  #takeConnection(head: Uint8Array): void {
    const transaction = this.#transaction;
    if (transaction === null || transaction.connectionId !== 0) return;
    transaction.connectionId = new ByteReader(head.subarray(eventHeaderBytes)).u32();
  }

  #begin(gtidEvent: GtidEvent, event: Uint8Array): void {
    const { gtid, transactionLength, immediateCommitTimestamp } = gtidEvent;
    const transactionBytes = Number(transactionLength);
    if (!Number.isSafeInteger(transactionBytes) || transactionBytes <= event.length) {
      throw malformed(`a transaction of ${transactionLength} bytes`);
    }
    const fragmentBytesMax = this.#fragmentBytesMax;
    const writer = new FragmentWriter({ gtid, transactionBytes, fragmentBytesMax });
    this.#transaction = {
      gtid,
      transactionBytes: transactionLength,
      writer,
      needsAck: false,
      commitTimestampUs: Number(immediateCommitTimestamp),
      connectionId: 0,
    };
    this.#onEventBytes(event);
  }

  #end(): void {
    const transaction = this.#transaction;
    const end = this.#tracker.position;
    assert(transaction !== null && end !== null, 'a transaction ends after it began, in a file');
    const { writer, ...received } = transaction;
    if (writer.left > 0) {
      throw malformed(`the last event of a transaction leaves ${writer.left} of its bytes open`);
    }
    const { fragments } = writer;
    this.#transaction = null;
    this.#effects.push(writer.finish());
    this.#effects.push({
      kind: 'transaction-received',
      ...received,
      fragments,
      end,
    });
  }

  #control(header: EventHeader, event: Uint8Array): void {
    decodeWith({ code: 'MYSQL_BINLOG_MALFORMED', what: 'binlog event' }, () => {
      const body = event.subarray(eventHeaderBytes, Math.max(0, event.length - eventChecksumBytes));
      this.#readControl(header, event, new ByteReader(body));
    });
  }

  #readControl(header: EventHeader, event: Uint8Array, reader: ByteReader): void {
    switch (header.type) {
      case EventType.rotate: {
        const { next } = readRotate(reader);
        this.#tracker.rotate(next);
        // A file ends with a ROTATE of its own; the artificial one in front of the next file says the same.
        if (isArtificial(header)) this.#effects.push({ kind: 'rotate', position: next });
        break;
      }
      case EventType.formatDescription:
        if (!hasCrc32(readFormatDescription(reader))) {
          throw new BinlogError(
            'MYSQL_BINLOG_UNSUPPORTED',
            'events without checksums: binlog_checksum must be CRC32',
          );
        }
        this.#effects.push({ kind: 'format-description', event: event.slice() });
        break;
      case EventType.heartbeat:
        this.#beat(readHeartbeat(reader, header.logPos));
        break;
      case EventType.heartbeatV2:
        this.#beat(readHeartbeatV2(reader));
        break;
      default:
        break;
    }
  }

  #beat(heartbeat: ReturnType<typeof readHeartbeat>): void {
    this.#tracker.heartbeat(heartbeat);
    const { position } = this.#tracker;
    if (position === null) throw malformed('a heartbeat before the name of its file');
    this.#effects.push({ kind: 'heartbeat', position });
  }
}

function checkPrefixByte(index: number, byte: number): void {
  const isRight = [byte === 0, byte === semisyncMagic, byte <= 1][index];
  if (isRight !== true) {
    const hex = byte.toString(16).padStart(2, '0');
    const what = index === 0 ? 'status byte of an event' : 'semisync header';
    throw malformed(`0x${hex} in the ${what}`);
  }
}

function malformed(reason: string): BinlogError {
  return new BinlogError('MYSQL_BINLOG_MALFORMED', reason);
}
