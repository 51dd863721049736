import { assert } from '../../base/assert.ts';
import { concatBytes } from '../../base/bytes.ts';
import { wireHeaderBytes, wirePayloadBytesMax } from './constants.ts';

/** Below this, header and payload are copied into one array: one small copy is cheaper than one more write. */
const joinedBytesMax = 16 * 1024;

/**
 * Payloads → wire packets with running sequence numbers, split at 16 MiB. `MySQL: Client/Server Protocol, Sending
 * More Than 16Mb`: a payload whose length is a multiple of 0xffffff is ended by an empty wire packet.
 */
export class PacketWriter {
  #sequence: number;
  /** Payload bytes announced by `begin` that were not given to `part` yet. */
  #payloadLeft = 0;
  /** Of those, how many belong to the open wire packet. */
  #wireLeft = 0;
  /** The open wire packet carries all it can, so another one follows it. */
  #isWireFullSize = false;

  constructor(sequence = 0) {
    this.#sequence = sequence & 0xff;
  }

  /** The sequence number of the next wire packet. */
  get sequence(): number {
    return this.#sequence;
  }

  /** A new command starts at 0; an answer starts one after the last wire packet of what it answers. */
  restart(sequence: number): void {
    assert(this.#payloadLeft === 0, 'a packet ends before the numbers start again');
    this.#sequence = sequence & 0xff;
  }

  /** The wire bytes of one packet, as parts to be written in order. Payloads are not copied unless small. */
  packet(payload: Uint8Array): Uint8Array[] {
    if (payload.length <= joinedBytesMax) return [this.#joined(payload)];
    return [...this.begin(payload.length), ...this.part(payload)];
  }

  /** A packet that fits into one wire packet, in one array. */
  #joined(payload: Uint8Array): Uint8Array {
    assert(this.#payloadLeft === 0, 'the packet before was not given all its bytes');
    const packet = new Uint8Array(wireHeaderBytes + payload.length);
    writeWireHeader(packet, payload.length, this.#sequence);
    packet.set(payload, wireHeaderBytes);
    this.#sequence = (this.#sequence + 1) & 0xff;
    return packet;
  }

  /** Opens a packet of `length` payload bytes, which must then arrive through `part`. */
  begin(length: number): Uint8Array[] {
    assert(this.#payloadLeft === 0, 'the packet before was not given all its bytes');
    assert(Number.isSafeInteger(length) && length >= 0, `${length} is no payload length`);
    this.#payloadLeft = length;
    return [this.#header()];
  }

  /** The next bytes of the open packet, with the headers that fall between them. */
  part(bytes: Uint8Array): Uint8Array[] {
    assert(bytes.length <= this.#payloadLeft, 'no more bytes than the packet was opened for');
    const parts: Uint8Array[] = [];
    let offset = 0;
    while (offset < bytes.length) {
      const end = Math.min(bytes.length, offset + this.#wireLeft);
      this.#wireLeft -= end - offset;
      this.#payloadLeft -= end - offset;
      parts.push(bytes.subarray(offset, end));
      if (this.#wireLeft === 0 && this.#isWireFullSize) parts.push(this.#header());
      offset = end;
    }
    return parts;
  }

  #header(): Uint8Array {
    const length = Math.min(this.#payloadLeft, wirePayloadBytesMax);
    this.#wireLeft = length;
    this.#isWireFullSize = length === wirePayloadBytesMax;
    const header = new Uint8Array(wireHeaderBytes);
    writeWireHeader(header, length, this.#sequence);
    this.#sequence = (this.#sequence + 1) & 0xff;
    return header;
  }
}

/** The wire bytes of one packet in one array; for small packets outside a hot path. */
export function encodePacket(payload: Uint8Array, sequence: number): Uint8Array {
  return concatBytes(new PacketWriter(sequence).packet(payload));
}

/** Into the first bytes of `packet`. */
function writeWireHeader(packet: Uint8Array, length: number, sequence: number): void {
  packet[0] = length & 0xff;
  packet[1] = (length >>> 8) & 0xff;
  packet[2] = length >>> 16;
  packet[3] = sequence;
}
