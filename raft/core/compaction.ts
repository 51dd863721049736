import type { SnapshotMeta } from './snapshot.ts';
import type { RaftState } from './state.ts';
import { type LogIndex, logIndex } from './types.ts';

// Dropping the front of the log (Raft thesis §5.1). Each node does it on its own; the leader is not asked.

/**
 * Drops the entries up to `upTo`, or as far as may be: never one that is not applied here, or not durable (HAZARDS "compaction past
 * an unapplied index"). What was applied is committed, so no log ever needs another entry at these places. A node without a state has
 * nothing to apply it to: for it, only the caller knows what the others still need (`compaction-policy.ts`).
 */
export function compact(state: RaftState, upTo: LogIndex): void {
  const { log, writes } = state;
  const settled = state.isStateless ? log.commitIndex : log.appliedIndex;
  const index = Math.min(upTo, settled, writes.persistedIndex);
  if (index <= log.base.index) return;
  const meta = snapshotAt(state, logIndex(index));
  if (meta !== null) state.compact(meta);
}

/**
 * What a snapshot of the state at `index`, an entry that is held, is described by. Null where the members at that time are not
 * known any more: then only a later one will do.
 */
export function snapshotAt(state: RaftState, index: LogIndex): SnapshotMeta | null {
  const membership = state.memberships.at(index);
  if (membership === null) return null;
  const last = state.log.idAt(index);
  return { last, membership: membership.index === 0 ? null : membership };
}
