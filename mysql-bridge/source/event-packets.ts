import { assert } from '../../base/assert.ts';
import type { EntryPayload } from '../binlog/entry-payload.ts';
import { PayloadReader } from '../binlog/payload-reader.ts';
import { ResponseHeader } from '../protocol/constants.ts';
import type { PacketWriter } from '../protocol/packet-writer.ts';

const okByte = Uint8Array.of(ResponseHeader.ok);

/**
 * Events → wire bytes of a dump: each event is one packet behind a zero byte. What a payload holds of an event passes through as a
 * view, so memory does not follow the size of events or transactions (HAZARDS H19).
 */
export class EventPackets {
  readonly #writer: PacketWriter;
  readonly #reader = new PayloadReader();

  constructor(writer: PacketWriter) {
    this.#writer = writer;
  }

  get isBetweenTransactions(): boolean {
    return this.#reader.isBetweenTransactions;
  }

  /** An event of this source's own, which stands between transactions. */
  event(event: Uint8Array): Uint8Array[] {
    assert(this.isBetweenTransactions, 'nothing is put inside a transaction');
    return [...this.#begin(event.length), ...this.#writer.part(event)];
  }

  /** The events of the next payload of a transaction. Throws `BinlogError` when it does not follow the one before. */
  payload(payload: EntryPayload): Uint8Array[] {
    const parts: Uint8Array[] = [];
    for (const { header, bytes, isFirst } of this.#reader.read(payload)) {
      if (isFirst) parts.push(...this.#begin(header.eventSize));
      parts.push(...this.#writer.part(bytes));
    }
    return parts;
  }

  #begin(eventSize: number): Uint8Array[] {
    return [...this.#writer.begin(okByte.length + eventSize), ...this.#writer.part(okByte)];
  }
}
