import type { Entry } from './core/entry.ts';
import type { MemberChange } from './core/member-changes.ts';
import type { SnapshotMeta } from './core/snapshot.ts';
import type { MemberView, PeerProgress } from './core/status.ts';
import type { LogIndex, NodeId, Term } from './core/types.ts';

/** One peer as this node sees it. */
export interface PeerStatus extends PeerProgress {
  /** Whether a connection to it is open: only the shell knows. */
  readonly isConnected: boolean;
}

/** A consistent view of the member after its latest step. */
export interface RaftStatus extends MemberView {
  readonly peers: readonly PeerStatus[];
}

/** Where proposed payloads stand: `firstIndex`, `firstIndex + 1`, … in `term`. They commit, or the term ends. */
export interface ProposalReceipt {
  readonly term: Term;
  readonly firstIndex: LogIndex;
  readonly count: number;
}

/**
 * One Raft member, as the rest of the node uses it. Implemented by `RaftNode`. Errors are `OperationalError`s with
 * the codes named.
 */
export interface Raft {
  readonly status: RaftStatus;
  /**
   * Appends payloads, all or none, and answers at once; what is proposed commits in this order. The caller learns of
   * the commit from `status.commitIndex` while `status.term` is still the receipt's term.
   * Throws RAFT_NOT_LEADER, RAFT_TRANSFERRING, RAFT_TOO_MANY_IN_FLIGHT: then nothing was appended.
   */
  propose(payloads: readonly Uint8Array[]): ProposalReceipt;
  /**
   * Settles with the commit index captured, once a quorum round begun after this call confirmed leadership.
   * Calls share rounds. Rejects RAFT_NOT_LEADER, RAFT_SHUTTING_DOWN.
   */
  readIndex(): Promise<LogIndex>;
  /**
   * On any node: settles with an index that the leader, whoever that is, confirmed after this call. A read here that waits for it to
   * be applied is linearizable (Raft thesis §6.4). It says nothing about who leads: a gate must ask `readIndex`.
   * Rejects RAFT_NOT_LEADER when no leader answered within an election timeout, RAFT_SHUTTING_DOWN.
   */
  readIndexOfLeader(): Promise<LogIndex>;
  /**
   * Milliseconds on the monotonic clock until which this leader may answer without a round; 0 when it may not, or when
   * leases are off. Raft thesis §6.4.1: counted from before the round was sent, shortened by the drift bound.
   */
  leaseUntilMs(): number;
  /** Settles when a new leader took over. Rejects RAFT_TRANSFER_ABORTED (this node still leads), RAFT_NOT_LEADER. */
  transferLeadership(target: NodeId | null): Promise<void>;
  /**
   * Moves to members that differ by all of these changes at once, by joint consensus (Raft thesis §4.3); settles with the index of the
   * final configuration once that is committed. Nobody becomes a voter but a learner that is caught up: add a node as a
   * learner with a `promotion`, and the leader makes it a voter by itself. A leader that removes itself hands on and follows.
   * Rejects RAFT_NOT_LEADER, RAFT_TRANSFERRING, RAFT_MEMBERSHIP_REFUSED (nothing was appended; `reason` says why),
   * RAFT_MEMBERSHIP_UNSETTLED (leadership was lost meanwhile), RAFT_SHUTTING_DOWN.
   */
  changeMembership(changes: readonly MemberChange[]): Promise<LogIndex>;
  /** Gives leadership up at once: to the best applied follower by TimeoutNow if there is one, else by silence. */
  abdicate(reason: string): void;
  /** The newest entry in effect on the local MySQL; goes back when its server was built anew. */
  setApplied(index: LogIndex): void;
  setElectable(isElectable: boolean): void;
  /** Whether the local MySQL runs. While it does not, this node waits longer before it campaigns, as one that lags far behind does. */
  setServerUp(isServerUp: boolean): void;
  /**
   * Drops entries up to `upTo` from the log of this node, or as far as they are applied and durable here. The caller answers for the
   * applied state to be durable, and for nobody else needing the entries without a snapshot at hand.
   */
  compact(upTo: LogIndex): void;
  /** What a snapshot of the state at `index`, an applied entry, is to be filed under; null for any other index. */
  describeSnapshot(index: LogIndex): SnapshotMeta | null;
  /** Committed or not, entries in `[first, last]`, as `LogStore.read`, from memory where they are recent. */
  read(range: {
    readonly first: LogIndex;
    readonly last: LogIndex;
    readonly bytesMax: number;
  }): Promise<readonly Entry[]>;
  /** Calls back, synchronously and in order, after each step that changed the status. Returns the unsubscribe. */
  onChange(listener: (status: RaftStatus) => void): () => void;
}
