import { type LogIndex, logIndex, type NodeId } from './types.ts';

/** What each member is known to have in effect so that no crash takes it back; null while that is not known. */
export interface MemberApplied {
  readonly id: NodeId;
  readonly durablyAppliedIndex: LogIndex | null;
}

export interface CompactionFacts {
  readonly firstIndex: LogIndex;
  /** What this node has in effect so that no crash takes it back. */
  readonly durablyAppliedIndex: LogIndex;
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
 */
export function compactionIndex(facts: CompactionFacts, limits: CompactionLimits): LogIndex | null {
  const { firstIndex, durablyAppliedIndex, snapshotIndex, others, entryBytes } = facts;
  const slowest = others.reduce(
    (least, other) => Math.min(least, other.durablyAppliedIndex ?? 0),
    Number(durablyAppliedIndex),
  );
  const count = durablyAppliedIndex + 1 - firstIndex;
  const isTooLarge = count > limits.entriesMax || count * entryBytes > limits.bytesMax;
  const covered = isTooLarge ? Math.min(snapshotIndex, durablyAppliedIndex) : 0;
  const behindAll = Math.min(slowest, durablyAppliedIndex - limits.entriesKept);
  const index = Math.max(behindAll, covered);
  return index >= firstIndex ? logIndex(index) : null;
}
