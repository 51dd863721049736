import { readyIndex } from './read-index.ts';
import type { RaftState } from './state.ts';
import type { LogIndex, NodeId, Role, Term } from './types.ts';

export interface PeerProgress {
  readonly id: NodeId;
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
  readonly peers: readonly PeerProgress[];
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
        matchIndex: progress?.matchIndex ?? null,
        appliedIndex: progress?.appliedIndex ?? null,
      };
    }),
    readRound: leader?.reads.opened ?? 0,
    quorumRound: leader?.reads.confirmed ?? 0,
    isLeaseSafe: leader !== null && !leader.hasOfferedLeadership,
    refusedMessages: state.refusedMessages,
  };
}
