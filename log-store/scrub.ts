import type { Clock } from '../base/clock.ts';
import { codeOf } from '../base/errors.ts';
import { type LogIndex, logIndex } from '../raft/core/types.ts';
import { checkTable } from './table-check.ts';

/** One piece of work: small enough not to be felt by the event loop. */
const pieceBytesMax = 256 * 1024;
const pieceRecordsMax = 256;
/** Rests so many times as long as a piece took: a tenth of one processor while nothing else is done, */
const idleRestFactor = 9;
/** and a hundredth while the log is written to. Nobody waits for the check, and every commit waits for the event loop. */
const busyRestFactor = 99;
const restMsMin = 1;
const restMsMax = 5000;

export interface Pace {
  readonly clock: Clock;
  /** Whether the log was written to since this was last asked. */
  readonly wasWritten: () => boolean;
  /** Ends the work at the next rest, which rejects with the signal's reason. */
  readonly signal: AbortSignal;
}

export interface ScrubRecordsOptions extends Pace {
  readonly first: LogIndex;
  /** The last entry to read; those behind it were checked at open. */
  readonly last: LogIndex;
  /** The oldest entry now: a compaction may have come past `first`. */
  readonly firstHeld: () => LogIndex;
  /** The newest entry now: a truncation may have come below `last`. */
  readonly lastHeld: () => LogIndex;
  /** Reads and checks a piece; answers how many records it held, at least two unless there is one only. */
  readonly checkPiece: (piece: {
    readonly first: LogIndex;
    readonly last: LogIndex;
    readonly bytesMax: number;
  }) => Promise<number>;
}

/** Reads the tables that were not read at open, in the background and mostly at rest. */
export async function scrubTables(paths: readonly string[], pace: Pace): Promise<void> {
  for (const path of paths) {
    await withRest(pace, () => checkTable(path, { withBlocks: true }));
  }
}

/**
 * Reads the records that were not read at open, so that damage is found before the entry is needed. Pieces overlap by one
 * record: the chain is checked across them, too.
 */
export async function scrubRecords(options: ScrubRecordsOptions): Promise<void> {
  for (let { first } = options; ; ) {
    const end = Math.min(options.last, options.lastHeld());
    first = logIndex(Math.max(first, options.firstHeld()));
    if (first >= end) return;
    const last = logIndex(Math.min(end, first + pieceRecordsMax - 1));
    const piece = { first, last, bytesMax: pieceBytesMax };
    const count = await withRest(options, async () => {
      try {
        return await options.checkPiece(piece);
      } catch (thrown) {
        // Compacted away while the read waited its turn.
        if (codeOf(thrown) === 'LOG_STORE_COMPACTED') return 0;
        throw thrown;
      }
    });
    first = logIndex(first + Math.max(1, count - 1));
  }
}

async function withRest(pace: Pace, work: () => Promise<number>): Promise<number> {
  const startedMs = pace.clock.monotonicMs();
  const result = await work();
  const restFactor = pace.wasWritten() ? busyRestFactor : idleRestFactor;
  const restMs = (pace.clock.monotonicMs() - startedMs) * restFactor;
  await pace.clock.delay(Math.min(Math.max(restMs, restMsMin), restMsMax), { signal: pace.signal });
  return result;
}
