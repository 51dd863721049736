import { concatBytes } from '../../base/bytes.ts';
import { BinlogError, decodeWith } from './binlog-error.ts';
import type { EntryPayload, EntryPayloadHeader } from './entry-payload.ts';
import { decodeEventHeader, type EventHeader, eventHeaderBytes } from './event-header.ts';
import { formatGtid, type Gtid } from './gtid.ts';

/**
 * A part of one event, in order. `bytes` is a view on the payload's memory. An event that lies in one payload is one
 * slice; a slice that is first holds the header at least.
 */
export interface EventSlice {
  readonly header: EventHeader;
  readonly bytes: Uint8Array;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  /** The transaction ends with this slice. */
  readonly isEndOfTransaction: boolean;
}

interface OpenTransaction {
  readonly gtid: Gtid;
  readonly transactionBytes: bigint;
  nextFragment: number;
  left: bigint;
}

interface OpenEvent {
  readonly header: EventHeader;
  left: number;
}

/**
 * Reads the events back out of committed payloads, for sending them on: the inverse of the assembler, and like it never
 * holding an event whole. Payloads come in log order, abandoned fragments left out. Throws `BinlogError`
 * MYSQL_ENTRY_PAYLOAD_MALFORMED on payloads that do not follow each other; after that the reader must not be used.
 */
export class PayloadReader {
  #transaction: OpenTransaction | null = null;
  #event: OpenEvent | null = null;
  /** The beginning of a header that the end of a fragment cut: the only bytes that are copied. */
  #heldHeader: Uint8Array = new Uint8Array();

  get isBetweenTransactions(): boolean {
    return this.#transaction === null;
  }

  *read(payload: EntryPayload): Generator<EventSlice, void, void> {
    const transaction = this.#take(payload);
    let rest = this.#finishCutHeader(payload.events);
    if (this.#event !== null && this.#heldHeader.length === eventHeaderBytes) {
      yield this.#slice(this.#event, this.#heldHeader, transaction);
      this.#heldHeader = new Uint8Array();
    }
    while (rest.length > 0) {
      if (this.#event === null) {
        if (rest.length < eventHeaderBytes) {
          this.#heldHeader = rest.slice();
          break;
        }
        this.#event = openEvent(rest);
      }
      const slice = this.#slice(this.#event, rest, transaction);
      rest = rest.subarray(slice.bytes.length);
      yield slice;
    }
    this.#close(payload, transaction);
  }

  /** Completes a header that the end of the last fragment cut; answers the bytes behind it. */
  #finishCutHeader(bytes: Uint8Array): Uint8Array {
    if (this.#heldHeader.length === 0) return bytes;
    const missing = bytes.subarray(0, eventHeaderBytes - this.#heldHeader.length);
    this.#heldHeader = concatBytes([this.#heldHeader, missing]);
    if (this.#heldHeader.length === eventHeaderBytes) this.#event = openEvent(this.#heldHeader);
    return bytes.subarray(missing.length);
  }

  /** Checks that `payload` is the next one, and opens its transaction if it is a first. */
  #take(payload: EntryPayload): OpenTransaction {
    const open = this.#transaction;
    if (open === null) {
      if (payload.fragment !== 0) throw outOfOrder(payload, 'a first fragment');
      const { gtid, transactionBytes } = payload;
      this.#transaction = { gtid, transactionBytes, nextFragment: 1, left: transactionBytes };
      return this.#transaction;
    }
    const isSame =
      formatGtid(open.gtid) === formatGtid(payload.gtid) &&
      open.transactionBytes === payload.transactionBytes;
    if (!isSame || payload.fragment !== open.nextFragment) {
      throw outOfOrder(payload, `fragment ${open.nextFragment} of ${formatGtid(open.gtid)}`);
    }
    open.nextFragment += 1;
    return open;
  }

  #slice(event: OpenEvent, rest: Uint8Array, transaction: OpenTransaction): EventSlice {
    const { header } = event;
    const bytes = rest.subarray(0, event.left);
    const isFirst = event.left === header.eventSize;
    event.left -= bytes.length;
    transaction.left -= BigInt(bytes.length);
    const isLast = event.left === 0;
    if (isLast) this.#event = null;
    const isEndOfTransaction = isLast && transaction.left === 0n;
    return { header, bytes, isFirst, isLast, isEndOfTransaction };
  }

  #close(payload: EntryPayload, transaction: OpenTransaction): void {
    const isComplete = transaction.left === 0n && this.#event === null;
    if (payload.isFinal !== isComplete) {
      throw outOfOrder(payload, `${transaction.left} more bytes of its transaction`);
    }
    if (isComplete) this.#transaction = null;
  }
}

function openEvent(bytes: Uint8Array): OpenEvent {
  return decodeWith({ code: 'MYSQL_ENTRY_PAYLOAD_MALFORMED', what: 'entry payload' }, () => {
    const header = decodeEventHeader(bytes);
    return { header, left: header.eventSize };
  });
}

function outOfOrder(found: EntryPayloadHeader, expected: string): BinlogError {
  return new BinlogError(
    'MYSQL_ENTRY_PAYLOAD_MALFORMED',
    `entry payload: fragment ${found.fragment} of ${formatGtid(found.gtid)} where ${expected} must follow`,
  );
}
