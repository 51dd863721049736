import { concatBytes } from '../../base/bytes.ts';

/**
 * What passes on a connection, either way. The first frame of whoever dialled says what for.
 *
 * ```text
 * 0  u32  length of the content, big-endian
 * 4  u8   kind
 * 5       content
 * ```
 */
export const FrameKind = {
  /** From the caller: who it is. From then on it sends `messages`. */
  hello: 1,
  /** To the caller: accepted, or refused and why. */
  answer: 2,
  /** From the caller: messages of Raft. */
  messages: 3,
  /** Either way, without content: still there. */
  ping: 4,
  /** Either way: why the connection is about to be closed, as text. */
  ending: 5,
  /** From the caller, instead of a hello: which snapshot it wants. */
  snapshotRequest: 6,
  /** To the caller: a piece of a snapshot, its end, or a refusal. */
  snapshot: 7,
} as const;

export const frameHeaderBytes = 5;

/** A frame with its header, in one piece: one buffer is one call of the system. */
export function frameOf(kind: number, content: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(frameHeaderBytes + content.length);
  writeHeader(frame, kind, content.length);
  frame.set(content, frameHeaderBytes);
  return frame;
}

/** For a content that follows by itself. */
export function frameHeader(kind: number, contentBytes: number): Uint8Array {
  const header = Buffer.allocUnsafe(frameHeaderBytes);
  writeHeader(header, kind, contentBytes);
  return header;
}

function writeHeader(frame: Buffer, kind: number, contentBytes: number): void {
  frame.writeUInt32BE(contentBytes);
  frame[4] = kind;
}

/**
 * Cuts what a socket brings into frames. Memory is what was received, not what a header claims; the content of a frame is a view of
 * the bytes it came in.
 */
export class FrameReader {
  /** A frame whose header claims more is a fault. */
  contentBytesMax: number;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  /** From so many bytes on there is something to look at. */
  #wanted: number = frameHeaderBytes;

  constructor(contentBytesMax: number) {
    this.contentBytesMax = contentBytesMax;
  }

  /** Calls back for each frame that is whole now. Not null: these bytes cannot be understood, and nothing behind them. */
  push(chunk: Uint8Array, onFrame: (kind: number, content: Uint8Array) => void): string | null {
    this.#parts.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < this.#wanted) return null;
    const bytes = this.#parts.length === 1 ? chunk : concatBytes(this.#parts);
    let offset = 0;
    this.#wanted = frameHeaderBytes;
    while (bytes.length - offset >= frameHeaderBytes) {
      const length = lengthAt(bytes, offset);
      if (length > this.contentBytesMax) {
        return `a frame of ${length} bytes, where ${this.contentBytesMax} are the most`;
      }
      const begin = offset + frameHeaderBytes;
      const end = begin + length;
      if (end > bytes.length) {
        this.#wanted = end - offset;
        break;
      }
      onFrame(bytes[offset + 4] ?? 0, bytes.subarray(begin, end));
      offset = end;
    }
    this.#parts = offset === bytes.length ? [] : [bytes.subarray(offset)];
    this.#bytes = bytes.length - offset;
    return null;
  }
}

function lengthAt(bytes: Uint8Array, offset: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset + offset).getUint32(0);
}
