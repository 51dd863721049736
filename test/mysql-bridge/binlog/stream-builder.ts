import { buildEvent } from '../../../mysql-bridge/binlog/checksum.ts';
import { encodeEvent } from '../../../mysql-bridge/binlog/event-codec.ts';
import { EventType } from '../../../mysql-bridge/binlog/event-types.ts';
import type { Gtid } from '../../../mysql-bridge/binlog/gtid.ts';
import type { PacketPiece } from '../../../mysql-bridge/protocol/packet-piece.ts';
import { dumpedEvents } from './fixtures.ts';

export const serverUuid = '83e5dba5-e55d-11f1-b697-02fc00000001';

/** Builds events that follow each other in one file, as a server would write them. */
export class FileBuilder {
  readonly events: Uint8Array[] = [];
  offset: bigint;

  constructor(offset = 4n) {
    this.offset = offset;
  }

  add(type: number, body: Uint8Array): this {
    const eventSize = 19 + body.length + 4;
    this.offset += BigInt(eventSize);
    const logPos = Number(this.offset & 0xffff_ffffn);
    this.events.push(buildEvent({ timestamp: 1, type, serverId: 1, logPos, flags: 0 }, body));
    return this;
  }

  /** GTID, BEGIN, rows of these lengths, XID. */
  transaction(number: bigint, rowBytes: readonly number[], lengthError = 0n): this {
    const begin = queryBody('BEGIN');
    const rest =
      BigInt(begin.length + 23 + 8 + 23) +
      rowBytes.reduce((sum, length) => sum + BigInt(length + 23), 0n);
    this.add(EventType.gtid, gtidBody({ serverUuid, tag: '', number }, rest + lengthError));
    this.add(EventType.query, begin);
    for (const length of rowBytes) {
      this.add(EventType.writeRows, new Uint8Array(length).fill(Number(number & 0xffn)));
    }
    return this.add(EventType.xid, new Uint8Array(8));
  }

  /** GTID and a statement that stands alone. */
  statement(number: bigint, text: string): this {
    const body = queryBody(text);
    this.add(EventType.gtid, gtidBody({ serverUuid, tag: '', number }, BigInt(body.length + 23)));
    return this.add(EventType.query, body);
  }
}

/** The body of a GTID event whose transaction has `restBytes` behind it. */
export function gtidBody(gtid: Gtid, restBytes: bigint): Uint8Array {
  // The length counts itself: find the one that is right.
  for (let guess = restBytes; guess < restBytes + 200n; guess += 1n) {
    const event = gtidEvent(gtid, guess);
    if (BigInt(event.length) + restBytes === guess) return event.subarray(19, -4);
  }
  throw new Error('no length fits');
}

function gtidEvent(gtid: Gtid, transactionLength: bigint): Uint8Array {
  return encodeEvent({
    header: {
      timestamp: 1,
      type: EventType.gtid,
      serverId: 1,
      eventSize: 0,
      logPos: 0,
      flags: 0,
    },
    body: {
      kind: 'gtid',
      gtid,
      flags: 0,
      lastCommitted: 0n,
      sequenceNumber: 1n,
      immediateCommitTimestamp: 1n,
      originalCommitTimestamp: null,
      transactionLength,
      immediateServerVersion: 90_704,
      originalServerVersion: null,
      commitGroupTicket: null,
      unknown: new Uint8Array(),
    },
  });
}

export function queryBody(text: string): Uint8Array {
  const statement = new TextEncoder().encode(text);
  const body = new Uint8Array(13 + 4 + 1 + statement.length);
  body[0] = 5;
  body[8] = 4;
  body.set(new TextEncoder().encode('shop'), 13);
  body.set(statement, 18);
  return body;
}

/** The head of a dump as captured: artificial ROTATE, FORMAT_DESCRIPTION. */
export const dumpHead: readonly Uint8Array[] = dumpedEvents.slice(0, 2);
/** Where the head leaves the file. */
export const headEnd = 127n;

/** An event as a packet payload of a semisynchronous dump. */
export function packetOf(event: Uint8Array, needsAck = false): Uint8Array {
  const packet = new Uint8Array(event.length + 3);
  packet.set([0, 0xef, needsAck ? 1 : 0]);
  packet.set(event, 3);
  return packet;
}

/** Cuts a packet into pieces of the lengths that `nextLength` gives. */
export function piecesOf(packet: Uint8Array, nextLength: () => number): PacketPiece[] {
  const pieces: PacketPiece[] = [];
  let offset = 0;
  do {
    const bytes = packet.subarray(offset, offset + Math.max(1, nextLength()));
    const isFirst = offset === 0;
    offset += bytes.length;
    pieces.push({ bytes, isFirst, isLast: offset >= packet.length, sequence: 0 });
  } while (offset < packet.length);
  return pieces;
}
