import { type LogIndex, logIndex, type NodeId } from './types.ts';

/** What each member is known to have in effect so that no crash takes it back; null while that is not known. */
export interface MemberApplied {
  readonly id: NodeId;
  readonly durablyAppliedIndex: LogIndex | null;
}

export interface CompactionFacts {
  readonly firstIndex: LogIndex;
  readonly commitIndex: LogIndex;
  /** What this node has in effect so that no crash takes it back; null at a node that has no state, a witness. */
  readonly durablyAppliedIndex: LogIndex | null;
  /** The newest entry in the newest snapshot that this node can give to others; 0 when it has none. */
  readonly snapshotIndex: LogIndex;
  /** Every other member that has a state. Witnesses have none. */
  readonly others: readonly MemberApplied[];
  /** About how many bytes one entry takes in the log. */
  readonly entryBytes: number;
}

export interface CompactionLimits {
  /** Entries that are kept although nobody needs them: a node that was away for a moment is not sent a snapshot for it. */
  readonly entriesKept: number;
  /** Past these the log is cut behind the newest snapshot, whoever still needs the entries: they get the snapshot. */
  readonly entriesMax: number;
  readonly bytesMax: number;
}

/**
 * How far the log of one node may be compacted now; null when there is nothing to do. Behind what every member has durably
 * applied: then nobody misses anything. Else, once the log is larger than its limits, behind what a snapshot covers. Never past what
 * this node has durably applied, and never anywhere without one of the two: a log that grows is a nuisance, entries that are
 * gone everywhere are a loss.
 *
 * A witness has applied nothing, and cannot give away what it dropped: where it and one voter are the majority that committed, its log may be
 * the only place an entry is left in. So it goes by what the others have durably applied, as far as its own log is committed; where
 * nothing is known of any of them, nowhere.
 */
export function compactionIndex(facts: CompactionFacts, limits: CompactionLimits): LogIndex | null {
  const { firstIndex, commitIndex, snapshotIndex, others, entryBytes } = facts;
  const isStateKnown = facts.durablyAppliedIndex !== null || others.length > 0;
  const settled = Math.min(facts.durablyAppliedIndex ?? commitIndex, commitIndex);
  const slowest = others.reduce(
    (least, other) => Math.min(least, other.durablyAppliedIndex ?? 0),
    isStateKnown ? settled : 0,
  );
  const count = settled + 1 - firstIndex;
  const isTooLarge = count > limits.entriesMax || count * entryBytes > limits.bytesMax;
  const covered = isTooLarge ? Math.min(snapshotIndex, settled) : 0;
  const behindAll = Math.min(slowest, settled - limits.entriesKept);
  const index = Math.max(behindAll, covered);
  return index >= firstIndex ? logIndex(index) : null;
}
