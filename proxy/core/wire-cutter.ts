import { concatBytes } from '../../base/bytes.ts';
import { wireHeaderBytes, wirePayloadBytesMax } from '../../mysql-bridge/protocol/constants.ts';

/** As much of a packet, header included, as is kept back until it is clear what it is. */
const headBytesMax = 256;

/** A stretch of wire bytes, headers included, that lies within one packet. */
export interface Run {
  readonly bytes: Uint8Array;
  /** It begins with the packet's first header. */
  readonly isFirst: boolean;
  /** It ends with the packet. */
  readonly isLast: boolean;
  /** The packet's first byte; -1 of an empty packet, or when it is not the first run. */
  readonly code: number;
  /** Of the latest wire packet that begins in the run. */
  readonly sequence: number;
  /** Payload length of that wire packet. */
  readonly length: number;
}

/**
 * Cuts a byte stream at packet boundaries, keeping the wire bytes as they are. Bytes are taken only as the reader asks for
 * them, so what lies behind the current packet stays in the queue; nothing is copied but a header cut in two.
 */
export class WireCutter {
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #payloadLeft = 0;
  #isContinued = false;
  #isInside = false;
  #sequence = 0;
  #length = 0;

  /** Bytes that were pushed and not taken. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** A packet has begun and not ended in what was taken. */
  get isInsidePacket(): boolean {
    return this.#isInside;
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
  }

  clear(): void {
    this.#queue = [];
    this.#queuedBytes = 0;
  }

  /** Sequence number and code of the packet that waits at the head of the queue, once they are known. */
  peek(): { readonly sequence: number; readonly code: number } | null {
    if (this.#isInside) return null;
    const head = this.#header(wireHeaderBytes + 1);
    if (head === null) return null;
    return { sequence: head[3] ?? 0, code: lengthOf(head) === 0 ? -1 : (head[4] ?? 0) };
  }

  /**
   * The next run, or null when more bytes are needed. The first of a packet has so much of it that `isClear` is content with its payload,
   * or as much as may be asked for.
   */
  next(isClear: (head: Uint8Array) => boolean = () => true): Run | null {
    if (this.#payloadLeft > 0) return this.#run({ headerBytes: 0, isFirst: false, code: -1 });
    const isFirst = !this.#isContinued;
    const head = this.#header(isFirst ? wireHeaderBytes + 1 : wireHeaderBytes);
    if (head === null || (isFirst && !this.#isHeadClear(lengthOf(head), isClear))) return null;
    this.#length = lengthOf(head);
    this.#sequence = head[3] ?? 0;
    this.#payloadLeft = this.#length;
    this.#isContinued = this.#length === wirePayloadBytesMax;
    this.#isInside = true;
    const code = isFirst && this.#length > 0 ? (head[4] ?? 0) : -1;
    return this.#run({ headerBytes: wireHeaderBytes, isFirst, code });
  }

  #isHeadClear(length: number, isClear: (head: Uint8Array) => boolean): boolean {
    const wanted = Math.min(wireHeaderBytes + length, headBytesMax);
    const first = this.#queue[0] ?? new Uint8Array(0);
    if (first.length >= wanted || isClear(first.subarray(wireHeaderBytes))) return true;
    const here = Math.min(wanted, this.#queuedBytes);
    if (here === first.length) return false;
    const longer = this.#header(here) ?? first;
    return here === wanted || isClear(longer.subarray(wireHeaderBytes, here));
  }

  /** The first chunk of the queue, made to hold `wanted` bytes (a header alone, when its packet is empty). */
  #header(wanted: number): Uint8Array | null {
    let first = this.#queue[0];
    while (first !== undefined && first.length < wanted) {
      if (first.length === wireHeaderBytes && lengthOf(first) === 0) return first;
      const second = this.#queue[1];
      if (second === undefined) return null;
      // Only a header's few bytes are in `first`; it is joined with no more of the second chunk than is needed.
      const missing = wanted - first.length;
      first = concatBytes([first, second.subarray(0, missing)]);
      this.#queue[0] = first;
      if (second.length > missing) this.#queue[1] = second.subarray(missing);
      else this.#queue.splice(1, 1);
    }
    return first ?? null;
  }

  #run(start: { headerBytes: number; isFirst: boolean; code: number }): Run | null {
    const chunk = this.#queue[0];
    if (chunk === undefined) return null;
    const end = Math.min(chunk.length, start.headerBytes + this.#payloadLeft);
    this.#payloadLeft -= end - start.headerBytes;
    this.#queuedBytes -= end;
    if (end === chunk.length) this.#queue.shift();
    else this.#queue[0] = chunk.subarray(end);
    const isLast = this.#payloadLeft === 0 && !this.#isContinued;
    if (isLast) this.#isInside = false;
    return {
      bytes: end === chunk.length ? chunk : chunk.subarray(0, end),
      isFirst: start.isFirst,
      isLast,
      code: start.code,
      sequence: this.#sequence,
      length: this.#length,
    };
  }
}

function lengthOf(header: Uint8Array): number {
  return (header[0] ?? 0) | ((header[1] ?? 0) << 8) | ((header[2] ?? 0) << 16);
}
