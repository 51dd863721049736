import type { SnapshotMeta } from './core/snapshot.ts';
import type { NodeId } from './core/types.ts';

/**
 * Where the state that a snapshot stands for is kept; its bytes mean nothing to Raft. Owned by raft, implemented by whoever owns
 * the state. `test/log-store/snapshot-conformance.ts` is its contract as a suite.
 */
export interface SnapshotStore {
  /** The newest whole snapshot held; null when there is none. */
  describe(): SnapshotMeta | null;
  /**
   * Its bytes in order, in chunks of any size, the same ones each time. Reading ends with RAFT_SNAPSHOT_GONE when this snapshot is
   * not held any more, and with RAFT_SNAPSHOT_DAMAGED when it is not what was stored.
   */
  open(meta: SnapshotMeta): AsyncIterable<Uint8Array>;
  /**
   * Puts the state in the chunks in place of the one that is there, whole or not at all: if reading the chunks fails, nothing
   * has changed. It is in effect and durable when the promise settles. Installing again what is there is no error.
   * Whoever owns the state keeps it from going back: nothing is applied to it from the end of the chunks until the promise settles.
   */
  install(meta: SnapshotMeta, chunks: AsyncIterable<Uint8Array>): Promise<void>;
}

/** Fetches snapshots of other nodes; a transport has one. */
export interface SnapshotSource {
  /**
   * The bytes of a peer's snapshot, whole and checked when the iteration ends; it rejects when they are not to be had. Taken no
   * faster than they are asked for.
   */
  fetch(from: NodeId, meta: SnapshotMeta, signal: AbortSignal): AsyncIterable<Uint8Array>;
}
