import { isCaughtUp } from './catch-up.ts';
import type { MemberKind, Membership } from './membership.ts';
import { memberOf } from './membership.ts';
import { readyIndex } from './read-index.ts';
import { isRemoved } from './removal.ts';
import type { RaftState } from './state.ts';
import type { LogIndex, NodeId, Role, Term } from './types.ts';

/** Another member as this node sees it; what a leader alone can know is null elsewhere. */
export interface PeerProgress {
  readonly id: NodeId;
  readonly kind: MemberKind;
  /** At a leader, of a learner: whether it may be made a voter now. Null otherwise. */
  readonly isCaughtUp: boolean | null;
  readonly matchIndex: LogIndex | null;
  readonly appliedIndex: LogIndex | null;
}

/** A consistent view of one member after its latest step, as far as it is anybody's business. */
export interface MemberView {
  readonly id: NodeId;
  readonly role: Role;
  readonly term: Term;
  readonly leaderId: NodeId | null;
  readonly firstIndex: LogIndex;
  readonly lastIndex: LogIndex;
  readonly persistedIndex: LogIndex;
  readonly commitIndex: LogIndex;
  readonly appliedIndex: LogIndex;
  /**
   * The own-term no-op of this leader, once it is committed: only then may anything be served (Raft thesis §6.4).
   * Null on every other node and before.
   */
  readonly leaderReadyIndex: LogIndex | null;
  /**
   * A leader of the current term is known, and an entry of the current term is committed here. Then nothing this node
   * wrote in an earlier term and that is not in its log up to `commitIndex` can ever commit:
   * "the log decides, then the database starts".
   */
  readonly isTailDecided: boolean;
  readonly isTransferring: boolean;
  /** The newest entry in the snapshot that is being fetched and put in place here: until then nothing else is. Null otherwise. */
  readonly installingIndex: LogIndex | null;
  /** The other members by the configuration in effect. */
  readonly peers: readonly PeerProgress[];
  /** The configuration in effect, committed or not; joint while it has an `outgoing` part. The same object until it changes. */
  readonly membership: Membership;
  /** The entry it stands in: it is committed once that is. 0 is what the cluster began with. */
  readonly membershipIndex: LogIndex;
  /** What this node is in it; null if it is not named: it waits to be added, or is being removed. */
  readonly memberKind: MemberKind | null;
  /** This node was removed from the cluster for good, knows that this is committed, and may be stopped. */
  readonly isRemoved: boolean;
}

/** What the machine knows after its latest step: the view of others, and what its shell needs for reads and leases. */
export interface MachineStatus extends MemberView {
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
    installingIndex: state.fetching?.last.index ?? null,
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
