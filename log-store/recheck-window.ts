import { type LogIndex, logIndex } from '../raft/core/types.ts';

interface Segment {
  firstIndex: LogIndex;
  bytes: number;
}

/**
 * Four segments cover whatever the engine may still hold in its write-ahead log alone. It keeps at most two buffers, each of
 * them at most `segmentBytes` but for its last batch; a segment here is above `segmentBytes` before the next begins.
 * So a buffer can hold at most one whole segment, as its end, and reach into one more.
 */
const segmentsMax = 4;

/**
 * Where the next open must begin to check every record: only what lies in the write-ahead log can be dropped silently by
 * the engine, the tables are listed in its manifest.
 *
 * Invariant: the segments are ascending in `firstIndex`, and none starts past the next entry.
 */
export class RecheckWindow {
  readonly #segments: Segment[];
  readonly #segmentBytes: number;

  constructor(options: { readonly from: LogIndex; readonly segmentBytes: number }) {
    this.#segments = [{ firstIndex: options.from, bytes: 0 }];
    this.#segmentBytes = options.segmentBytes;
  }

  get from(): LogIndex {
    return this.#segments[0]?.firstIndex ?? logIndex(1);
  }

  /** A write of so many bytes, whose entries start at this index. */
  add(firstIndex: LogIndex, bytes: number): void {
    const current = this.#segments.at(-1);
    if (current !== undefined && current.bytes <= this.#segmentBytes) {
      current.bytes += bytes;
      return;
    }
    this.#segments.push({ firstIndex, bytes });
    if (this.#segments.length > segmentsMax) this.#segments.shift();
  }

  /** A removal is in the write-ahead log as well: what it touched is checked for as long as that may be. */
  truncate(from: LogIndex): void {
    for (const segment of this.#segments) {
      if (segment.firstIndex > from) segment.firstIndex = from;
    }
  }
}
