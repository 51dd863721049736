import type { CatchUp } from './catch-up.ts';
import type { Progress } from './progress.ts';
import type { QuickQuorum } from './quick-quorum.ts';
import type { ReadRounds } from './read-rounds.ts';
import type { LogIndex, NodeId } from './types.ts';
import type { UncommittedBytes } from './uncommitted-bytes.ts';

/** The role and what belongs to it alone: a follower *has* no next index, a leader no votes. */
export type RoleState = FollowerState | PreCandidateState | CandidateState | LeaderState;

export interface FollowerState {
  readonly kind: 'follower';
  /** Known once it sent an append in the current term. */
  readonly leaderId: NodeId | null;
}

export interface PreCandidateState {
  readonly kind: 'pre-candidate';
  /** One per node, however often and over whatever connection it answers (HAZARDS R3). */
  readonly votes: Map<NodeId, boolean>;
}

export interface CandidateState {
  readonly kind: 'candidate';
  readonly votes: Map<NodeId, boolean>;
  /** The leader itself asked for this campaign: voters need not wait for its silence. */
  readonly isTransfer: boolean;
  /** The write that makes the own vote durable; it counts only then. */
  readonly voteIoId: number;
}

export interface LeaderState {
  readonly kind: 'leader';
  readonly sinceTick: number;
  /** The first entry of this term: nothing is served before it is committed (Raft thesis §6.4). */
  readonly noOpIndex: LogIndex;
  /** The other members, and for a while those who left. */
  readonly followers: Map<NodeId, Progress>;
  /** Those of `followers` that are no members any more, and the tick since when. */
  readonly departing: Map<NodeId, number>;
  /** The followers that do not vote. */
  readonly catchUps: Map<NodeId, CatchUp>;
  readonly reads: ReadRounds<PendingRead>;
  /** Whom rounds for reads are asked of. */
  readonly quick: QuickQuorum;
  readonly uncommitted: UncommittedBytes;
  ticksSinceHeartbeat: number;
  transfer: Transfer | null;
  /** How often each voter was offered leadership in this term and did not take it in time: it may not be electable. */
  readonly offersUntaken: Map<NodeId, number>;
  /** Of the change of membership that was asked for and has not ended. */
  changeId: number | null;
  /** It is no voter any more, and has looked for a successor. */
  hasTriedToHandOn: boolean;
  /** A TimeoutNow went out in this term; it may arrive at any later time, and lifts the voters' patience. */
  hasOfferedLeadership: boolean;
}

/** A read that waits for a round, and who is to be told: a peer, or a caller here. */
export interface PendingRead {
  readonly readId: number;
  readonly asker: { readonly id: NodeId; readonly incarnation: number } | null;
}

/** A hand-over under way (Raft thesis §3.10). */
export interface Transfer {
  /** Of whoever asked for it; null if this node hands on by itself. */
  readonly transferId: number | null;
  readonly target: NodeId;
  readonly sinceTick: number;
}
