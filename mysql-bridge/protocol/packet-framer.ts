import { ByteWriter } from '../../base/bytes.ts';
import { wireHeaderBytes, wirePayloadBytesMax } from './constants.ts';
import { MalformedPacketError, PacketTooLargeError } from './errors.ts';
import type { PacketPiece } from './packet-piece.ts';

/**
 * Bytes as a socket delivers them → pieces of packets. Holds at most a cut header, never a payload, so memory does
 * not depend on the size of a packet. `MySQL: Client/Server Protocol, Packets`:
 *
 * ```text
 * 0       3          4
 * | length | sequence | payload … |     length 0xffffff: the packet goes on in the next wire packet
 * ```
 */
export class PacketFramer {
  readonly #packetBytesMax: number;
  readonly #header: Uint8Array = new Uint8Array(wireHeaderBytes);
  #headerLength = 0;
  /** Payload bytes of the current wire packet that have not arrived. */
  #wireLeft = 0;
  #isWireOpen = false;
  /** The current wire packet is full, so its packet goes on behind it. */
  #isContinued = false;
  #isPacketStart = true;
  #packetBytes = 0;
  #sequence = 0;

  /** Without a maximum a packet may be of any size, as nothing is kept. */
  constructor(options: { readonly packetBytesMax?: number } = {}) {
    this.#packetBytesMax = options.packetBytesMax ?? Number.MAX_SAFE_INTEGER;
  }

  /** Nothing of an unfinished packet was seen: the stream may end here. */
  get isBetweenPackets(): boolean {
    return this.#isPacketStart && this.#headerLength === 0 && !this.#isWireOpen;
  }

  /**
   * The pieces in `chunk`, as views on it. Each wire packet gives at least one piece, an empty one too.
   * Throws MalformedPacketError, PacketTooLargeError; the framer must not be used afterwards.
   */
  push(chunk: Uint8Array): PacketPiece[] {
    const pieces: PacketPiece[] = [];
    let offset = 0;
    while (offset < chunk.length) {
      offset = this.#isWireOpen
        ? this.#takePayload(chunk, offset, pieces)
        : this.#takeHeader(chunk, offset, pieces);
    }
    return pieces;
  }

  #takeHeader(chunk: Uint8Array, offset: number, pieces: PacketPiece[]): number {
    const taken = chunk.subarray(offset, offset + wireHeaderBytes - this.#headerLength);
    this.#header.set(taken, this.#headerLength);
    this.#headerLength += taken.length;
    if (this.#headerLength === wireHeaderBytes) this.#openWire(pieces);
    return offset + taken.length;
  }

  #openWire(pieces: PacketPiece[]): void {
    const [low = 0, middle = 0, high = 0, sequence = 0] = this.#header;
    const length = low | (middle << 8) | (high << 16);
    if (!this.#isPacketStart && sequence !== ((this.#sequence + 1) & 0xff)) {
      throw new MalformedPacketError(
        `sequence number ${sequence} where a packet goes on after ${this.#sequence}`,
      );
    }
    this.#packetBytes += length;
    if (this.#packetBytes > this.#packetBytesMax)
      throw new PacketTooLargeError(this.#packetBytesMax);
    this.#headerLength = 0;
    this.#sequence = sequence;
    this.#wireLeft = length;
    this.#isWireOpen = true;
    this.#isContinued = length === wirePayloadBytesMax;
    if (length === 0) this.#emit(this.#header.subarray(0, 0), pieces);
  }

  #takePayload(chunk: Uint8Array, offset: number, pieces: PacketPiece[]): number {
    const end = Math.min(chunk.length, offset + this.#wireLeft);
    this.#wireLeft -= end - offset;
    this.#emit(chunk.subarray(offset, end), pieces);
    return end;
  }

  #emit(bytes: Uint8Array, pieces: PacketPiece[]): void {
    const isWireEnd = this.#wireLeft === 0;
    const isLast = isWireEnd && !this.#isContinued;
    pieces.push({ bytes, isFirst: this.#isPacketStart, isLast, sequence: this.#sequence });
    this.#isPacketStart = isLast;
    if (isWireEnd) this.#isWireOpen = false;
    if (isLast) this.#packetBytes = 0;
  }
}

/** A whole packet: its payload and the sequence number of its last wire packet, which the answer continues. */
export interface Packet {
  readonly payload: Uint8Array;
  readonly sequence: number;
}

/** Joins pieces into whole packets, for places where packets are small and must be seen whole. */
export class PacketCollector {
  readonly #payloadBytesMax: number;
  /** Copies, as a view of a few bytes would keep a whole socket chunk alive. */
  #partial: ByteWriter | null = null;

  constructor(options: { readonly payloadBytesMax: number }) {
    this.#payloadBytesMax = options.payloadBytesMax;
  }

  /**
   * The packet that this piece completes, else null. A packet that came in one piece is a view on the chunk.
   * Throws PacketTooLargeError as soon as the pieces exceed the maximum.
   */
  add(piece: PacketPiece): Packet | null {
    const length = (this.#partial?.length ?? 0) + piece.bytes.length;
    if (length > this.#payloadBytesMax) throw new PacketTooLargeError(this.#payloadBytesMax);
    if (piece.isFirst && piece.isLast) return { payload: piece.bytes, sequence: piece.sequence };
    this.#partial ??= new ByteWriter();
    this.#partial.bytes(piece.bytes);
    if (!piece.isLast) return null;
    const payload = this.#partial.finish();
    this.#partial = null;
    return { payload, sequence: piece.sequence };
  }
}
