import { BytesError } from '../../base/bytes.ts';
import { BinlogError } from '../binlog/binlog-error.ts';
import { buildEvent } from '../binlog/checksum.ts';
import {
  buildArtificialRotate,
  buildHeartbeat,
  patchFormatDescription,
} from '../binlog/control-events.ts';
import { decodeEvent } from '../binlog/event-codec.ts';
import { decodeEventHeader, eventChecksumBytes, eventHeaderBytes } from '../binlog/event-header.ts';
import type { BinlogPosition } from '../binlog/position.ts';
import { firstBinlogOffset } from '../protocol/commands.ts';

/** What decides whether a transaction may follow the one before it in one file. */
export interface LogicalClock {
  /** Of the server that wrote the transaction. */
  readonly serverId: number;
  readonly sequenceNumber: bigint;
}

/** From the GTID event that every transaction begins with. Throws `BinlogError` when there is none. */
export function readLogicalClock(events: Uint8Array): LogicalClock {
  try {
    const { eventSize } = decodeEventHeader(events);
    const { header, body } = decodeEvent(events.subarray(0, eventSize));
    if (body.kind === 'gtid') {
      return { serverId: header.serverId, sequenceNumber: body.sequenceNumber };
    }
    throw new BytesError(`it begins with a ${body.kind} event`);
  } catch (thrown) {
    if (!(thrown instanceof BytesError)) throw thrown;
    throw new BinlogError('MYSQL_BINLOG_MALFORMED', `transaction in the log: ${thrown.message}`, {
      cause: thrown,
    });
  }
}

/** A heartbeat of version 1 holds 32 bits of the position; no file but that of one huge transaction gets near it. */
export const fileBytesMax: number = 1024 * 1024 * 1024;

/**
 * The pseudo files of one dump. A replica's parallel applier takes the logical clock (`last_committed`,
 * `sequence_number`) as ascending within a file, and as that of one server; across the log it is neither, as leaders change and
 * servers rotate their files. So each time it would break, the stream goes on in a file of another name, begun as a source
 * begins one: ROTATE, FORMAT_DESCRIPTION. At a ROTATE the applier waits for its workers and starts its clock anew
 * (MySQL source, `rpl_mta_submode.cc`, `Mts_submode_logical_clock::schedule_next_event`).
 *
 * Positions are those a replica counts for itself: 4 after a ROTATE, then the size of each event. A heartbeat that names less
 * is an error to it, one that names more makes it write a filler to its relay log.
 */
export class DumpTimeline {
  readonly #serverId: number;
  readonly #formatDescription: Uint8Array;
  #file = '';
  #offset = 0n;
  #clock: LogicalClock | null = null;

  constructor(options: { readonly serverId: number; readonly formatDescription: Uint8Array }) {
    this.#serverId = options.serverId;
    this.#formatDescription = atHeadOfFile(patchFormatDescription(options.formatDescription));
  }

  get position(): BinlogPosition {
    return { file: this.#file, offset: this.#offset };
  }

  /** The events that begin a file named after the log index of what comes first in it. */
  beginFile(index: number): readonly Uint8Array[] {
    this.#file = `binraft.${String(index).padStart(12, '0')}`;
    this.#offset = BigInt(firstBinlogOffset);
    this.#clock = null;
    const rotate = buildArtificialRotate(this.position, this.#serverId);
    this.sent(this.#formatDescription.length);
    return [rotate, this.#formatDescription];
  }

  /** Events to send before the transaction that begins at `index`; none when it may follow in the same file. */
  before(index: number, clock: LogicalClock): readonly Uint8Array[] {
    const isContinued =
      this.#clock === null ||
      (clock.serverId === this.#clock.serverId &&
        clock.sequenceNumber > this.#clock.sequenceNumber);
    const isFull = this.#offset > BigInt(fileBytesMax);
    const events = isContinued && !isFull ? [] : this.beginFile(index);
    this.#clock = clock;
    return events;
  }

  /** A transaction that the replica has is left out, but its clock still runs in the file it stood in. */
  skip(clock: LogicalClock): void {
    if (this.#clock === null) return;
    const { serverId, sequenceNumber } = this.#clock;
    const isContinued = clock.serverId === serverId && clock.sequenceNumber > sequenceNumber;
    // What comes next then begins a file, whatever its number is.
    this.#clock = isContinued ? clock : { serverId: -1, sequenceNumber: 0n };
  }

  sent(eventBytes: number): void {
    this.#offset += BigInt(eventBytes);
  }

  heartbeat(): Uint8Array {
    return buildHeartbeat({ version: 1, position: this.position }, this.#serverId);
  }

  /** Too far for a heartbeat of version 1: begin another file first. */
  get isPastHeartbeats(): boolean {
    return this.#offset > 0xffff_ffffn;
  }
}

/**
 * The event as it stands at the head of a file, its end told: whether a replica counts one without a place in a file
 * differs between versions, so that it and we would lose count of the position.
 */
function atHeadOfFile(formatDescription: Uint8Array): Uint8Array {
  const header = decodeEventHeader(formatDescription);
  const body = formatDescription.subarray(eventHeaderBytes, -eventChecksumBytes);
  return buildEvent({ ...header, logPos: firstBinlogOffset + header.eventSize }, body);
}
