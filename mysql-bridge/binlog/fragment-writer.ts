import { assert } from '../../base/assert.ts';
import type { PayloadEffect } from './assembler-effects.ts';
import { encodeEntryPayloadHeader } from './entry-payload.ts';
import type { Gtid } from './gtid.ts';

/**
 * Cuts one transaction into entry payloads of at most so many event bytes. Bytes are copied once, from where they arrived
 * to behind the header of the entry that holds them.
 */
export class FragmentWriter {
  readonly #gtid: Gtid;
  readonly #transactionBytes: number;
  readonly #fragmentBytesMax: number;
  #fragment = 0;
  #written = 0;
  #encoded: Uint8Array;
  #eventsAt: number;
  #filledTo: number;

  constructor(options: {
    readonly gtid: Gtid;
    readonly transactionBytes: number;
    readonly fragmentBytesMax: number;
  }) {
    this.#gtid = options.gtid;
    this.#transactionBytes = options.transactionBytes;
    this.#fragmentBytesMax = options.fragmentBytesMax;
    const opened = this.#open();
    this.#encoded = opened.encoded;
    this.#eventsAt = opened.eventsAt;
    this.#filledTo = opened.eventsAt;
  }

  /** Bytes of the transaction still to come. */
  get left(): number {
    return this.#transactionBytes - this.#written;
  }

  /** How many payloads were begun. */
  get fragments(): number {
    return this.#fragment + 1;
  }

  /** Takes the next bytes; gives each fragment that is full to `emit`, but never the last one. */
  write(bytes: Uint8Array, emit: (effect: PayloadEffect) => void): void {
    assert(bytes.length <= this.left, 'more bytes than the transaction has');
    let offset = 0;
    while (offset < bytes.length) {
      if (this.#filledTo === this.#encoded.length) this.#turn(emit);
      const part = bytes.subarray(offset, offset + this.#encoded.length - this.#filledTo);
      this.#encoded.set(part, this.#filledTo);
      this.#filledTo += part.length;
      this.#written += part.length;
      offset += part.length;
    }
  }

  /** The last payload, once all bytes are here. */
  finish(): PayloadEffect {
    assert(this.left === 0, `${this.left} bytes of the transaction are missing`);
    return this.#payload(true);
  }

  #turn(emit: (effect: PayloadEffect) => void): void {
    emit(this.#payload(false));
    this.#fragment += 1;
    const { encoded, eventsAt } = this.#open();
    this.#encoded = encoded;
    this.#eventsAt = eventsAt;
    this.#filledTo = eventsAt;
  }

  #open(): { readonly encoded: Uint8Array; readonly eventsAt: number } {
    const isFinal = this.left <= this.#fragmentBytesMax;
    const header = encodeEntryPayloadHeader({ ...this.#header(), isFinal });
    const encoded = new Uint8Array(header.length + Math.min(this.left, this.#fragmentBytesMax));
    encoded.set(header);
    return { encoded, eventsAt: header.length };
  }

  #payload(isFinal: boolean): PayloadEffect {
    const encoded = this.#encoded;
    const events = encoded.subarray(this.#eventsAt);
    return { kind: 'payload', payload: { ...this.#header(), isFinal, events }, encoded };
  }

  #header(): {
    readonly gtid: Gtid;
    readonly fragment: number;
    readonly transactionBytes: bigint;
  } {
    return {
      gtid: this.#gtid,
      fragment: this.#fragment,
      transactionBytes: BigInt(this.#transactionBytes),
    };
  }
}
