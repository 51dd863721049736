import type { Clock } from '../base/clock.ts';
import { type LogIndex, logIndex } from '../raft/core/types.ts';

/** One piece of work: small enough not to be felt by the event loop. */
const pieceBytesMax = 256 * 1024;
const pieceRecordsMax = 256;
/** Rests so many times as long as a piece took. */
const restFactor = 9;
const restMsMin = 1;
const restMsMax = 1000;

export interface ScrubOptions {
  readonly first: LogIndex;
  /** The last entry to read; those behind it were checked at open. */
  readonly last: LogIndex;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The newest entry now: a truncation may have come below `last`. */
  readonly lastHeld: () => LogIndex;
  /** Reads and checks a piece; answers how many records it held, at least two unless there is one only. */
  readonly checkPiece: (piece: {
    readonly first: LogIndex;
    readonly last: LogIndex;
    readonly bytesMax: number;
  }) => Promise<number>;
}

/**
 * Reads the part of the log that was not read at open, in the background and mostly at rest, so that damage is found
 * before the entry is needed. Pieces overlap by one record, so that the chain is checked across them, too.
 */
export async function scrub(options: ScrubOptions): Promise<void> {
  const { clock, signal } = options;
  let first = options.first;
  while (!signal.aborted) {
    const end = Math.min(options.last, options.lastHeld());
    if (first >= end) return;
    const startedMs = clock.monotonicMs();
    const count = await options.checkPiece({
      first,
      last: logIndex(Math.min(end, first + pieceRecordsMax - 1)),
      bytesMax: pieceBytesMax,
    });
    first = logIndex(first + Math.max(1, count - 1));
    const restMs = (clock.monotonicMs() - startedMs) * restFactor;
    await clock.delay(Math.min(Math.max(restMs, restMsMin), restMsMax), { signal });
  }
}
