import { assert } from '../../base/assert.ts';
import { ByteReader, bytesEqual } from '../../base/bytes.ts';
import { BinlogError, decodeWith } from './binlog-error.ts';
import { hasCrc32, readFormatDescription } from './control-events.ts';
import { EventFlag, type EventHeader, eventHeaderBytes } from './event-header.ts';
import { EventScanner } from './event-scanner.ts';
import { EventType } from './event-types.ts';
import type { Gtid } from './gtid.ts';
import { headBytesOf, TransactionBoundaries } from './transaction-boundary.ts';

/** The bytes at the head of every binlog file (MySQL source documentation, "Binary log file header"). */
export const binlogMagic: Uint8Array = Uint8Array.of(0xfe, 0x62, 0x69, 0x6e);
/** The same of an encrypted one. */
const encryptedMagic = Uint8Array.of(0xfd, 0x62, 0x69, 0x6e);

/** A whole transaction of the file, from its GTID event to the end of its last event. */
export interface ScannedTransaction {
  readonly gtid: Gtid;
  readonly start: bigint;
  readonly end: bigint;
}

/** How the file ends. */
export interface BinlogFileEnd {
  /** The end of the last whole transaction, or of a control event behind it. */
  readonly end: bigint;
  /** What stands at `end`, when it is not the end of the file: half a transaction, or bytes that are no event. */
  readonly damage: string | null;
  /** The server closed the file: it was not killed while it wrote it. */
  readonly wasClosed: boolean;
}

/**
 * `events`: every event is checked. `gtids`: of each transaction its GTID event is, and the rest is skipped by the length
 * that stands there; several times faster, for a file that was closed long ago.
 */
export type ScanDepth = 'events' | 'gtids';

/**
 * Reads a binlog file from its first byte, in chunks, and tells its transactions; holds no event whole. A file that was
 * being written when its server was killed may end in the middle of anything: the scan stops there and says so.
 */
export class BinlogFileScan {
  readonly #onTransaction: (transaction: ScannedTransaction) => void;
  readonly #scanner: EventScanner;
  readonly #depth: ScanDepth;
  #boundaries = new TransactionBoundaries();
  readonly #magic = new Uint8Array(binlogMagic.length);
  #magicHeld = 0;
  /** Behind the bytes of all complete events. */
  #offset = 0n;
  #safeEnd = 0n;
  #open: { readonly gtid: Gtid; readonly start: bigint; readonly end: bigint } | null = null;
  #wasClosed = false;
  #hasFormat = false;
  #damage: string | null = null;

  constructor(depth: ScanDepth, onTransaction: (transaction: ScannedTransaction) => void) {
    this.#depth = depth;
    this.#onTransaction = onTransaction;
    this.#scanner = new EventScanner({
      onEventStart: headBytesOf,
      onEventBytes: () => undefined,
      onEventEnd: (header, head) => this.#onEventEnd(header, head),
    });
  }

  /** Nothing behind it is read; `finish` may be called. */
  get isDamaged(): boolean {
    return this.#damage !== null;
  }

  /**
   * Takes the next bytes of the file. Throws `BinlogError` on a file that cannot be judged at all: encrypted, none of
   * MySQL's, without checksums or GTIDs, or with an incident.
   */
  push(chunk: Uint8Array): void {
    let rest = chunk.subarray(this.#takeMagic(chunk));
    try {
      while (rest.length > 0 && this.#damage === null) {
        const skipped = this.#skip(rest);
        rest = rest.subarray(skipped > 0 ? skipped : this.#scanner.push(rest));
      }
    } catch (thrown) {
      if (!isDamage(thrown)) throw thrown;
      this.#damage = thrown.message;
    }
  }

  /** After the last byte. Throws `BinlogError` when not even the head of the file was readable. */
  finish(): BinlogFileEnd {
    if (!this.#hasFormat) {
      const reason = this.#damage ?? 'it ends there';
      throw malformed(`no format description at the head of the file: ${reason}`);
    }
    if (!this.#scanner.isBetweenEvents) this.#damage ??= 'the file ends inside an event';
    if (this.#open !== null) this.#damage ??= 'the file ends inside a transaction';
    return { end: this.#safeEnd, damage: this.#damage, wasClosed: this.#wasClosed };
  }

  #takeMagic(chunk: Uint8Array): number {
    const taken = chunk.subarray(0, binlogMagic.length - this.#magicHeld);
    if (taken.length === 0) return 0;
    this.#magic.set(taken, this.#magicHeld);
    this.#magicHeld += taken.length;
    if (this.#magicHeld < binlogMagic.length) return taken.length;
    if (bytesEqual(this.#magic, encryptedMagic)) {
      throw unsupported('the binlog is encrypted: binlog_encryption must be OFF');
    }
    if (!bytesEqual(this.#magic, binlogMagic)) throw malformed('the file is no binlog of MySQL');
    this.#offset = BigInt(binlogMagic.length);
    this.#safeEnd = this.#offset;
    return taken.length;
  }

  /** Passes over the rest of a transaction whose events are not looked at; answers how many of these bytes were. */
  #skip(bytes: Uint8Array): number {
    if (this.#depth === 'events' || this.#open === null) return 0;
    const left = this.#open.end - this.#offset;
    const skipped = left < BigInt(bytes.length) ? Number(left) : bytes.length;
    this.#offset += BigInt(skipped);
    if (this.#offset === this.#open.end) {
      this.#boundaries = new TransactionBoundaries();
      this.#endTransaction(this.#offset);
    }
    return skipped;
  }

  #onEventEnd(header: EventHeader, head: Uint8Array): void {
    const start = this.#offset;
    const end = start + BigInt(header.eventSize);
    if (BigInt(header.logPos) !== (end & 0xffff_ffffn)) {
      throw malformed(`an event at ${start} that says it ends at ${header.logPos}`);
    }
    if (!this.#hasFormat) this.#readFormat(header, head);
    const boundary = this.#boundaries.take(header, head);
    if (boundary.kind === 'begin') {
      const { gtid, transactionLength } = boundary.event;
      if (transactionLength <= BigInt(header.eventSize)) {
        throw malformed(`a transaction of ${transactionLength} bytes`);
      }
      this.#open = { gtid, start, end: start + transactionLength };
    }
    this.#offset = end;
    if (boundary.kind === 'outside') this.#safeEnd = end;
    if (boundary.kind === 'end') this.#endTransaction(end);
  }

  #endTransaction(end: bigint): void {
    const open = this.#open;
    assert(open !== null, 'a transaction ends after it began');
    if (end !== open.end) {
      throw malformed(`a transaction at ${open.start} ends at ${end}, its length says ${open.end}`);
    }
    this.#open = null;
    this.#safeEnd = end;
    this.#onTransaction(open);
  }

  #readFormat(header: EventHeader, head: Uint8Array): void {
    if (header.type !== EventType.formatDescription) throw malformed('another event comes first');
    const format = decodeWith({ code: 'MYSQL_BINLOG_MALFORMED', what: 'format description' }, () =>
      readFormatDescription(new ByteReader(head.subarray(eventHeaderBytes, -4))),
    );
    if (!hasCrc32(format))
      throw unsupported('events without checksums: binlog_checksum must be CRC32');
    this.#hasFormat = true;
    this.#wasClosed = (header.flags & EventFlag.binlogInUse) === 0;
  }
}

/** What a crash can leave at the end of a file, as opposed to a file that must not be judged. */
function isDamage(thrown: unknown): thrown is BinlogError {
  if (!(thrown instanceof BinlogError)) return false;
  return thrown.code === 'MYSQL_BINLOG_MALFORMED' || thrown.code === 'MYSQL_BINLOG_CHECKSUM';
}

function malformed(reason: string): BinlogError {
  return new BinlogError('MYSQL_BINLOG_MALFORMED', reason);
}

function unsupported(reason: string): BinlogError {
  return new BinlogError('MYSQL_BINLOG_UNSUPPORTED', reason);
}
