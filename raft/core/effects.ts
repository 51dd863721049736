import type { Entry } from './entry.ts';
import type { Membership } from './membership.ts';
import type { Message } from './messages.ts';
import type { SnapshotMeta } from './snapshot.ts';
import type { EntryId, HardState, LogIndex, NodeId, Role, Term } from './types.ts';

/**
 * Orders of the machine, to be carried out in order. `after` names what must be durable first: the effect waits until
 * every `persist` up to that `ioId` is on disk; `null` waits for nothing. The runner only obeys.
 */
export type Effect =
  | PersistEffect
  | {
      readonly kind: 'send';
      readonly to: NodeId;
      readonly message: Message;
      readonly after: number | null;
    }
  | SendEntriesEffect
  | SendSnapshotEffect
  | FetchSnapshotEffect
  /** The commit index moved; entries up to it may be applied. Never before an entry is known committed. */
  | { readonly kind: 'committed'; readonly commitIndex: LogIndex }
  | {
      readonly kind: 'proposal-accepted';
      readonly term: Term;
      readonly firstIndex: LogIndex;
      readonly count: number;
    }
  | {
      readonly kind: 'proposal-rejected';
      readonly reason: ProposalRejection;
      readonly leaderId: NodeId | null;
    }
  | { readonly kind: 'read-ready'; readonly readId: number; readonly index: LogIndex }
  | { readonly kind: 'read-rejected'; readonly readId: number; readonly leaderId: NodeId | null }
  | {
      readonly kind: 'role-changed';
      readonly role: Role;
      readonly term: Term;
      readonly leaderId: NodeId | null;
    }
  /** Another configuration is in effect: appended, or brought back by a truncation. `index` is its entry's. */
  | {
      readonly kind: 'membership-changed';
      readonly index: LogIndex;
      readonly membership: Membership;
    }
  | {
      readonly kind: 'membership-change-ended';
      readonly changeId: number;
      readonly end: MembershipChangeEnd;
    }
  /**
   * A transfer ended, or was never begun (`rejected`). `aborted`: this node still leads and proposals are accepted again. The id is
   * null where the machine hands on by itself.
   */
  | {
      readonly kind: 'transfer-ended';
      readonly transferId: number | null;
      readonly outcome: 'handed-over' | 'aborted' | 'rejected';
      readonly reason: string;
    };

/**
 * One synced batch: hard state, truncation and entries together or not at all. Completions come back as `persisted`
 * with the same id; ids grow by one. Neighbouring batches may be merged.
 */
export interface PersistEffect {
  readonly kind: 'persist';
  readonly ioId: number;
  readonly hardState: HardState | null;
  /** Remove entries from this index on, before anything else; null removes nothing. */
  readonly truncateFrom: LogIndex | null;
  /** Then remove the entries up to the last one it covers, and keep this in their place; null removes nothing. */
  readonly snapshot: SnapshotMeta | null;
  readonly entries: readonly Entry[];
}

/**
 * Send the entries in `[firstIndex, lastIndex]` to a peer as one `append-request`, or as several in a row where the core did not
 * know their sizes and they pass the byte limit. The core keeps no payloads: the shell
 * loads them from memory or the log store, and drops the effect if a loaded entry's term is above `term` (the log was
 * overwritten meanwhile, so this node no longer leads). An empty range never occurs: that is a plain `send`.
 */
export interface SendEntriesEffect {
  readonly kind: 'send-entries';
  readonly to: NodeId;
  readonly term: Term;
  readonly previous: EntryId;
  readonly firstIndex: LogIndex;
  readonly lastIndex: LogIndex;
  readonly commitIndex: LogIndex;
  readonly readRound: number;
}

export type MembershipChangeEnd =
  /** The final configuration is committed, at `index`. */
  | { readonly kind: 'committed'; readonly index: LogIndex }
  /** Nothing was appended. `detail` is for people. */
  | {
      readonly kind: 'rejected';
      readonly reason: MembershipRejection;
      readonly detail: string;
      readonly leaderId: NodeId | null;
    }
  /** Leadership was lost meanwhile: the change may still come about, or never have been. */
  | { readonly kind: 'unsettled'; readonly leaderId: NodeId | null };

export type MembershipRejection =
  /** Another node leads, or none does. */
  | 'not-leader'
  /** Leadership is being handed over. */
  | 'transferring'
  /** No entry of this leader's term is committed yet (HAZARDS R4). */
  | 'not-ready'
  /** The configuration before is not committed, or is joint (HAZARDS R5). */
  | 'change-in-progress'
  /** To be removed or changed, and not a member. */
  | 'unknown-member'
  /** To be added, and a member already. */
  | 'already-member'
  /** The configuration would be no different. */
  | 'nothing-changes'
  /** No cluster can work in this configuration: no voter, only witnesses, a witness that is to serve, … */
  | 'unusable'
  /** Somebody would vote who is not a learner that is caught up, so that commits might stop. */
  | 'not-caught-up'
  /** No majority of the new voters was heard lately, so that commits might stop. */
  | 'no-quorum-heard';

/**
 * Offer a peer the newest snapshot of this node's `SnapshotStore` by an `install-snapshot` message, if it covers entry
 * `coversAtLeast`: what the peer needs next was compacted away. If there is none nothing is sent; the effect comes again
 * after an election timeout for as long as the peer needs it.
 */
export interface SendSnapshotEffect {
  readonly kind: 'send-snapshot';
  readonly to: NodeId;
  readonly term: Term;
  readonly coversAtLeast: LogIndex;
  /**
   * What the log here begins behind. To a peer that has no state it is offered where the store has nothing that goes so far, since
   * there is nothing to fetch; null for all other peers.
   */
  readonly logBase: SnapshotMeta | null;
}

/**
 * Fetch this snapshot from a peer and install it, durably; then the input `snapshot-installed` follows, or `snapshot-failed`. One at
 * a time: the next comes only after that.
 */
export interface FetchSnapshotEffect {
  readonly kind: 'fetch-snapshot';
  readonly from: NodeId;
  readonly meta: SnapshotMeta;
}

export type ProposalRejection =
  /** Another node leads, or none does. Nothing was appended. */
  | 'not-leader'
  /** Leadership is being handed over. Nothing was appended. */
  | 'transferring'
  /** Too much is appended and not yet committed. Nothing was appended; try again after commits. */
  | 'too-many-in-flight';
