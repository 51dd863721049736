import type { SnapshotMeta } from '../core/snapshot.ts';
import { type EntryId, logIndex, term } from '../core/types.ts';
import { encodeHello, type Hello } from './handshake.ts';
import { helloBytesMax } from './limits.ts';
import { packValues, type TupleReader, unpackValues, WireFault } from './wire-values.ts';

/**
 * What passes on a call that fetches a snapshot: one request, then chunks in order and their end, or a refusal. Each a msgpack array.
 *
 * ```text
 * request   hello, last.term, last.index, offset
 * refusal   0, reason, detail
 * chunk     1, offset, bytes          (no bytes: a sign of life)
 * end       2, bytes in all, CRC-32C of all
 * ```
 */
const Tag = { refusal: 0, chunk: 1, end: 2 } as const;
const valuesMax = 16;

export interface SnapshotRequest {
  /** Still packed: it is judged like the first frame of a stream. */
  readonly hello: Uint8Array;
  readonly last: EntryId;
  /** Bytes that the asking side has already. */
  readonly offset: number;
}

export type SnapshotFrame =
  | { readonly kind: 'refusal'; readonly reason: string; readonly detail: string }
  | { readonly kind: 'chunk'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: 'end'; readonly bytes: number; readonly checksum: number };

export function encodeSnapshotRequest(
  hello: Hello,
  meta: SnapshotMeta,
  offset: number,
): Uint8Array {
  return packValues([encodeHello(hello), meta.last.term, meta.last.index, offset]);
}

/** Null when it is none. */
export function decodeSnapshotRequest(bytes: Uint8Array): SnapshotRequest | null {
  return decoded(() => {
    if (bytes.length > helloBytesMax) return null;
    const tuple = unpackValues(bytes, { valuesMax });
    const hello = tuple.bytes();
    const last = { term: term(tuple.natural()), index: logIndex(tuple.natural()) };
    const offset = tuple.natural();
    tuple.end();
    return { hello, last, offset };
  });
}

export function encodeSnapshotFrame(frame: SnapshotFrame): Uint8Array {
  switch (frame.kind) {
    case 'refusal':
      return packValues([Tag.refusal, frame.reason, frame.detail]);
    case 'chunk':
      return packValues([Tag.chunk, frame.offset, frame.bytes]);
    case 'end':
      return packValues([Tag.end, frame.bytes, frame.checksum]);
  }
}

/** Null when it is none. */
export function decodeSnapshotFrame(bytes: Uint8Array): SnapshotFrame | null {
  return decoded(() => {
    const tuple = unpackValues(bytes, { valuesMax });
    const frame = takeFrame(tuple);
    tuple.end();
    return frame;
  });
}

function takeFrame(tuple: TupleReader): SnapshotFrame | null {
  switch (tuple.natural()) {
    case Tag.refusal:
      return { kind: 'refusal', reason: tuple.text(), detail: tuple.text() };
    case Tag.chunk:
      return { kind: 'chunk', offset: tuple.natural(), bytes: tuple.bytes() };
    case Tag.end:
      return { kind: 'end', bytes: tuple.natural(), checksum: tuple.natural() };
    default:
      return null;
  }
}

function decoded<Value>(decode: () => Value | null): Value | null {
  try {
    return decode();
  } catch (error) {
    if (error instanceof WireFault) return null;
    throw error;
  }
}
