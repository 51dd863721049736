import type { Entry } from './entry.ts';
import type { SnapshotMeta } from './snapshot.ts';
import type { EntryId, LogIndex, NodeId, Term } from './types.ts';

/**
 * What nodes say to each other, as one union. `term` is the sender's current term (for a pre-vote request: the
 * term it would campaign in). Messages may be lost, doubled, delayed and reordered; none of it may matter (I12).
 */
export type Message =
  | PreVoteRequest
  | PreVoteResponse
  | VoteRequest
  | VoteResponse
  | AppendRequest
  | AppendResponse
  | TimeoutNow
  | InstallSnapshot
  | ReadIndexRequest
  | ReadIndexResponse
  | RemovedNotice;

/**
 * Raft thesis §9.6: would you vote for me in `term`? Changes no vote and no term at either side. `appliedIndex` is how far the
 * sender's MySQL is: a voter that is far ahead may ask for the lead itself (`apply-lag.ts`).
 */
export interface PreVoteRequest {
  readonly kind: 'pre-vote-request';
  readonly term: Term;
  readonly last: EntryId;
  readonly appliedIndex: LogIndex;
}

export interface PreVoteResponse {
  readonly kind: 'pre-vote-response';
  /** The term asked for when granted, else the voter's current term. */
  readonly term: Term;
  readonly granted: boolean;
}

/** Raft thesis §3.4. `isTransfer` lifts the rule of the minimum election timeout (§4.2.3, §3.10). */
export interface VoteRequest {
  readonly kind: 'vote-request';
  readonly term: Term;
  readonly last: EntryId;
  readonly isTransfer: boolean;
}

export interface VoteResponse {
  readonly kind: 'vote-response';
  readonly term: Term;
  readonly granted: boolean;
}

/**
 * AppendEntries; a heartbeat is one without entries (Raft thesis §3.5). `readRound` is the newest quorum round
 * of the leader: every response echoes the highest it has seen in this term (§6.4).
 */
export interface AppendRequest {
  readonly kind: 'append-request';
  readonly term: Term;
  readonly previous: EntryId;
  readonly entries: readonly Entry[];
  readonly commitIndex: LogIndex;
  readonly readRound: number;
}

export interface AppendResponse {
  readonly kind: 'append-response';
  readonly term: Term;
  readonly readRound: number;
  /** The newest entry in effect on the responder's MySQL; orders transfer targets. */
  readonly appliedIndex: LogIndex;
  readonly result:
    | { readonly kind: 'matched'; readonly matchIndex: LogIndex }
    /**
     * The follower's log does not hold `previous`. `conflict` is the newest entry the follower has at or before
     * `previous.index`, moved back over the whole run of a term the leader cannot share (conflict back-up by term, §3.5).
     */
    | { readonly kind: 'conflict'; readonly previousIndex: LogIndex; readonly conflict: EntryId };
}

/**
 * To a node that campaigns and is no member by the committed configuration at `membershipIndex`: nobody would ever tell it
 * otherwise, since it is not replicated to (Raft thesis §4.2.3).
 */
export interface RemovedNotice {
  readonly kind: 'removed-notice';
  readonly term: Term;
  readonly member: NodeId;
  readonly membershipIndex: LogIndex;
}

/** Raft thesis §3.10: start an election now, without pre-vote. */
export interface TimeoutNow {
  readonly kind: 'timeout-now';
  readonly term: Term;
}

/**
 * InstallSnapshot without the snapshot (Raft thesis figure 5.3): the leader no longer has what the follower lacks. The follower fetches
 * the data beside Raft's messages, in its own time, and then acknowledges `meta.last` as it does an append. Sent again from time
 * to time until it does.
 */
export interface InstallSnapshot {
  readonly kind: 'install-snapshot';
  readonly term: Term;
  readonly meta: SnapshotMeta;
}

/**
 * A follower asks its leader for a read index (Raft thesis §6.4, its last part). `readId` is the follower's; `incarnation` is drawn by
 * each start of it, so that the answer to a question from before a crash is not taken for one of today.
 */
export interface ReadIndexRequest {
  readonly kind: 'read-index-request';
  readonly term: Term;
  readonly readId: number;
  readonly incarnation: number;
}

export interface ReadIndexResponse {
  readonly kind: 'read-index-response';
  readonly term: Term;
  readonly readId: number;
  readonly incarnation: number;
  /** Null: the asked node does not lead in the term of the question, or too many reads wait. */
  readonly index: LogIndex | null;
}
