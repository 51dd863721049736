import { setImmediate as nextTurn } from 'node:timers/promises';
import { assert } from '../../base/assert.ts';
import type { Entry } from '../../raft/core/entry.ts';
import { type LogIndex, logIndex } from '../../raft/core/types.ts';
import type { Raft } from '../../raft/raft-api.ts';

/** The part of Raft that a reader of the log needs. */
export type ReadableLog = Pick<Raft, 'status' | 'read' | 'onChange'> & {
  /** Settles in the next turn of the event loop; Node's own unless a simulation has another. */
  readonly turn?: () => Promise<void>;
};

/** So few bytes at a time that working through them does not hold up a heartbeat of Raft (HAZARDS H29). */
const batchBytesMax = 256 * 1024;

/**
 * Entries in `[first, last]`, in order, in batches. Between two batches the event loop gets its turn, as entries in memory
 * come without any real waiting.
 */
export async function* readLog(
  log: ReadableLog,
  range: { readonly first: LogIndex; readonly last: LogIndex },
): AsyncGenerator<readonly Entry[], void> {
  const turn = log.turn ?? (() => nextTurn());
  let first = range.first;
  while (first <= range.last) {
    const entries = await log.read({ first, last: range.last, bytesMax: batchBytesMax });
    const newest = entries.at(-1);
    assert(newest !== undefined, `a read of entries ${first} to ${range.last} gave none`);
    yield entries;
    first = logIndex(newest.index + 1);
    if (first <= range.last) await turn();
  }
}
