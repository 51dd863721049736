import type { Entry } from './entry.ts';
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
  | RemovedNotice;

/** Raft thesis §9.6: would you vote for me in `term`? Changes no state at either side. */
export interface PreVoteRequest {
  readonly kind: 'pre-vote-request';
  readonly term: Term;
  readonly last: EntryId;
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
 * A leader to a node that campaigns and is no member by the committed configuration at `membershipIndex`: nobody would ever tell it
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
