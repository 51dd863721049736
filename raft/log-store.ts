import type { Entry } from './core/entry.ts';
import type { SnapshotMeta } from './core/snapshot.ts';
import type { HardState, LogIndex, Term } from './core/types.ts';

/** What a store holds when it is opened, without any payload. */
export interface LogStoreState {
  readonly hardState: HardState;
  /** What takes the place of the entries before `firstIndex`; null when nothing was compacted. */
  readonly snapshot: SnapshotMeta | null;
  /** Oldest entry still held, right behind `snapshot.last`; 1 when nothing was compacted. */
  readonly firstIndex: LogIndex;
  /** Newest entry held; `firstIndex - 1` when empty. */
  readonly lastIndex: LogIndex;
  /** First index of each term held, ascending: answers "which term at this index?" without a read. */
  readonly termRuns: readonly { readonly term: Term; readonly firstIndex: LogIndex }[];
  /** The newest membership entries held, ascending: at least the last two, or all there are. Found without reading the log. */
  readonly membershipEntries: readonly Entry[];
}

/** One write. All of it is durable when the promise settles, or none of it is. */
export interface LogBatch {
  readonly hardState: HardState | null;
  /** Entries from here on are removed first. */
  readonly truncateFrom: LogIndex | null;
  /**
   * Then entries up to `snapshot.last.index` are removed, and this is kept in their place. A log that ends before is empty then, and
   * goes on behind it. From the return of `write` on, a read of such an entry is refused.
   */
  readonly snapshot: SnapshotMeta | null;
  /** Consecutive; the first follows directly behind what is left after all that. */
  readonly entries: readonly Entry[];
}

/**
 * The durable Raft log of one node; owned by raft, implemented in log-store. Writes are carried out in the order
 * of the calls. A failed write is final: the store refuses every later one (an fsync is never retried, HAZARDS R17).
 */
export interface LogStore {
  /** The state found at open, checked for continuity. */
  readonly opened: LogStoreState;
  /** Settles when the batch is durable. Concurrent calls share one sync. */
  write(batch: LogBatch): Promise<void>;
  /**
   * Entries in `[first, last]`, ascending and without a hole, cut after at least one entry once `bytesMax` payload bytes are
   * reached. Rejects with LOG_STORE_CORRUPT (index and reason) on a damaged record, LOG_STORE_COMPACTED below
   * `firstIndex`. Reading past what was written is a programming error.
   */
  read(range: {
    readonly first: LogIndex;
    readonly last: LogIndex;
    readonly bytesMax: number;
  }): Promise<readonly Entry[]>;
  close(): Promise<void>;
}
