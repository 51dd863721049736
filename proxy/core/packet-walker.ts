import { wireHeaderBytes, wirePayloadBytesMax } from '../../mysql-bridge/protocol/constants.ts';

/** Enough of a packet to read the status flags of an OK behind its two length-encoded numbers (1 + 9 + 9 + 2). */
const headBytesMax = 24;

/**
 * Walks over the packets of a byte stream without copying or keeping them: it finds where each packet begins, shows its first
 * bytes, and steps over the rest. A packet longer than one wire packet (16 MiB) is one packet here.
 *
 * ```text
 * load(chunk); while (next()) { … read length, sequence, head … }; isAtBoundary
 * ```
 */
export class PacketWalker {
  /** Payload length of the first wire packet of the packet found; `0xffffff` when it goes on. */
  length = 0;
  /** Sequence number of the latest wire packet seen. */
  sequence = 0;
  /** The packet's first bytes, `min(length, 24)` of them, lie here from `headAt` on. */
  head: Uint8Array;
  headAt = 0;

  /** A wire header and a head that were cut by the end of a chunk. */
  readonly #carry = new Uint8Array(wireHeaderBytes + headBytesMax);
  #carryLength = 0;
  #chunk: Uint8Array;
  #offset = 0;
  /** Payload bytes of the current wire packet still to be stepped over. */
  #payloadLeft = 0;
  /** The current wire packet was full, so the next one continues the same packet. */
  #isContinued = false;

  constructor() {
    this.head = this.#carry;
    this.#chunk = this.#carry;
  }

  /** Valid once `next` has said false: the bytes loaded so far end exactly behind a packet. */
  get isAtBoundary(): boolean {
    return this.#payloadLeft === 0 && this.#carryLength === 0 && !this.#isContinued;
  }

  load(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#offset = 0;
  }

  /** Finds the next packet whose head is complete; false when the chunk is used up. */
  next(): boolean {
    for (;;) {
      this.#stepOverPayload();
      if (this.#offset === this.#chunk.length) return false;
      const found = this.#carryLength > 0 ? this.#takeCarried() : this.#takeDirect();
      if (found === 'packet') return true;
      if (found === 'more') return false;
    }
  }

  /** First byte of the packet, or -1 of an empty one. */
  get code(): number {
    return this.length === 0 ? -1 : (this.head[this.headAt] ?? -1);
  }

  #stepOverPayload(): void {
    const skipped = Math.min(this.#payloadLeft, this.#chunk.length - this.#offset);
    this.#payloadLeft -= skipped;
    this.#offset += skipped;
  }

  /** The common case: header and head lie in the chunk, and are read where they are. */
  #takeDirect(): 'packet' | 'continuation' | 'more' {
    const chunk = this.#chunk;
    const at = this.#offset;
    const available = chunk.length - at - wireHeaderBytes;
    if (available < 0) return this.#takeCarried();
    const length = lengthAt(chunk, at);
    const needed = this.#isContinued ? 0 : Math.min(length, headBytesMax);
    if (available < needed) return this.#takeCarried();
    this.#offset = at + wireHeaderBytes;
    this.#payloadLeft = length;
    return this.#begin({ head: chunk, headerAt: at, length });
  }

  /** A header or head that is cut by a chunk's end is gathered byte by byte. */
  #takeCarried(): 'packet' | 'continuation' | 'more' {
    const carry = this.#carry;
    for (;;) {
      if (this.#carryLength >= wireHeaderBytes) {
        const length = lengthAt(carry, 0);
        const needed = this.#isContinued ? 0 : Math.min(length, headBytesMax);
        const gathered = this.#carryLength - wireHeaderBytes;
        if (gathered === needed) {
          this.#carryLength = 0;
          this.#payloadLeft = length - gathered;
          return this.#begin({ head: carry, headerAt: 0, length });
        }
      }
      if (this.#offset === this.#chunk.length) return 'more';
      carry[this.#carryLength] = this.#chunk[this.#offset] ?? 0;
      this.#carryLength += 1;
      this.#offset += 1;
    }
  }

  #begin(wire: { head: Uint8Array; headerAt: number; length: number }): 'packet' | 'continuation' {
    const wasContinued = this.#isContinued;
    this.#isContinued = wire.length === wirePayloadBytesMax;
    this.sequence = wire.head[wire.headerAt + 3] ?? 0;
    if (wasContinued) return 'continuation';
    this.head = wire.head;
    this.headAt = wire.headerAt + wireHeaderBytes;
    this.length = wire.length;
    return 'packet';
  }
}

function lengthAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
}
