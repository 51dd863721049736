import { isCaughtUp } from './catch-up.ts';
import type { MemberKind, Membership } from './membership.ts';
import { memberOf } from './membership.ts';
import { readyIndex } from './read-index.ts';
import { isRemoved } from './removal.ts';
import type { RaftState } from './state.ts';
import type { LogIndex, NodeId, Role, Term } from './types.ts';

export interface PeerProgress {
  readonly id: NodeId;
  readonly kind: MemberKind;
  /** At a leader, of a learner: whether it may be made a voter now. Null otherwise. */
  readonly isCaughtUp: boolean | null;
  readonly matchIndex: LogIndex | null;
  readonly appliedIndex: LogIndex | null;
}

/** What the machine knows after its latest step; all of `RaftStatus` but the connections, and what leases need. */
export interface MachineStatus {
  readonly id: NodeId;
  readonly role: Role;
  readonly term: Term;
  readonly leaderId: NodeId | null;
  readonly firstIndex: LogIndex;
  readonly lastIndex: LogIndex;
  readonly persistedIndex: LogIndex;
  readonly commitIndex: LogIndex;
  readonly appliedIndex: LogIndex;
  readonly leaderReadyIndex: LogIndex | null;
  readonly isTailDecided: boolean;
  readonly isTransferring: boolean;
  /** The other members by the configuration in effect. */
  readonly peers: readonly PeerProgress[];
  /** The configuration in effect; joint while it has an `outgoing` part. The same object until it changes. */
  readonly membership: Membership;
  /** The entry it stands in; 0 is what the cluster began with. */
  readonly membershipIndex: LogIndex;
  /** What this node is in it; null if it is not named: it waits to be added, or is being removed. */
  readonly memberKind: MemberKind | null;
  /** This node was removed from the cluster, and knows that this is committed. */
  readonly isRemoved: boolean;
  /** The newest quorum round opened in this term; 0 when this node does not lead. */
  readonly readRound: number;
  /** The newest round that a quorum answered in this term: at its sending this node led. 0 when it does not lead. */
  readonly quorumRound: number;
  /**
   * Whether a lease may rest on `quorumRound`. False on every node but a leader, and for the rest of the term once a TimeoutNow
   * was sent: it may arrive at any time, and voters then elect its receiver without waiting for the lease to end.
   */
  readonly isLeaseSafe: boolean;
  /** Messages refused because no correct peer sends them. Growth means that a peer is broken or foreign. */
  readonly refusedMessages: number;
}

export function statusOf(state: RaftState): MachineStatus {
  const { leader, log, leaderId, term } = state;
  const { commitIndex } = log;
  const { index: membershipIndex, membership } = state.memberships.current;
  return {
    id: state.config.self,
    role: state.role.kind,
    term,
    leaderId,
    firstIndex: log.firstIndex,
    lastIndex: log.lastIndex,
    persistedIndex: state.writes.persistedIndex,
    commitIndex,
    appliedIndex: log.appliedIndex,
    leaderReadyIndex: leader === null ? null : readyIndex(state, leader),
    isTailDecided: leaderId !== null && commitIndex >= 1 && log.termAt(commitIndex) === term,
    isTransferring: leader !== null && leader.transfer !== null,
    peers: state.peers.map((id) => {
      const progress = leader?.followers.get(id);
      return {
        id,
        kind: memberOf(membership, id)?.kind ?? 'learner',
        isCaughtUp: leader?.catchUps.has(id) === true ? isCaughtUp(state, leader, id) : null,
        matchIndex: progress?.matchIndex ?? null,
        appliedIndex: progress?.appliedIndex ?? null,
      };
    }),
    membership,
    membershipIndex,
    memberKind: state.memberKind,
    isRemoved: isRemoved(state),
    readRound: leader?.reads.opened ?? 0,
    quorumRound: leader?.reads.confirmed ?? 0,
    isLeaseSafe: leader !== null && !leader.hasOfferedLeadership,
    refusedMessages: state.refusedMessages,
  };
}
