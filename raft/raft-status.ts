import type { MachineStatus, MemberView, PeerProgress } from './core/status.ts';
import type { NodeId } from './core/types.ts';
import type { RaftStatus } from './raft-api.ts';

/** What others see of a member: the machine's view, and who is connected, which only the shell knows. */
export function raftStatusOf(machine: MachineStatus, connected: ReadonlySet<NodeId>): RaftStatus {
  return {
    id: machine.id,
    role: machine.role,
    term: machine.term,
    leaderId: machine.leaderId,
    firstIndex: machine.firstIndex,
    lastIndex: machine.lastIndex,
    persistedIndex: machine.persistedIndex,
    commitIndex: machine.commitIndex,
    appliedIndex: machine.appliedIndex,
    leaderReadyIndex: machine.leaderReadyIndex,
    isTailDecided: machine.isTailDecided,
    isTransferring: machine.isTransferring,
    installingIndex: machine.installingIndex,
    peers: machine.peers.map((peer) => ({
      id: peer.id,
      kind: peer.kind,
      isCaughtUp: peer.isCaughtUp,
      matchIndex: peer.matchIndex,
      appliedIndex: peer.appliedIndex,
      isConnected: connected.has(peer.id),
    })),
    membership: machine.membership,
    membershipIndex: machine.membershipIndex,
    memberKind: machine.memberKind,
    isRemoved: machine.isRemoved,
  };
}

/** Whether `raftStatusOf` would say nothing else: most steps change nothing that others see, and need no new object. */
export function isStatusOf(
  status: RaftStatus,
  machine: MachineStatus,
  connected: ReadonlySet<NodeId>,
): boolean {
  return (
    isSameView(machine, status) &&
    machine.membershipIndex === status.membershipIndex &&
    machine.peers.every((peer, place) => {
      const known = status.peers[place];
      return isSameProgress(peer, known) && known?.isConnected === connected.has(peer.id);
    })
  );
}

/** Whether two views of a member say the same. */
export function isSameStatus(left: RaftStatus, right: RaftStatus): boolean {
  return (
    left === right ||
    (isSameView(left, right) &&
      left.peers.every((peer, place) => {
        const other = right.peers[place];
        return isSameProgress(peer, other) && peer.isConnected === other?.isConnected;
      }))
  );
}

/** All but what is said of each peer. */
function isSameView(left: MemberView, right: MemberView): boolean {
  return (
    left.role === right.role &&
    left.term === right.term &&
    left.leaderId === right.leaderId &&
    left.firstIndex === right.firstIndex &&
    left.lastIndex === right.lastIndex &&
    left.persistedIndex === right.persistedIndex &&
    left.commitIndex === right.commitIndex &&
    left.appliedIndex === right.appliedIndex &&
    left.leaderReadyIndex === right.leaderReadyIndex &&
    left.isTailDecided === right.isTailDecided &&
    left.isTransferring === right.isTransferring &&
    left.installingIndex === right.installingIndex &&
    left.membership === right.membership &&
    left.memberKind === right.memberKind &&
    left.isRemoved === right.isRemoved &&
    left.peers.length === right.peers.length
  );
}

function isSameProgress(left: PeerProgress, right: PeerProgress | undefined): boolean {
  return (
    left.id === right?.id &&
    left.kind === right.kind &&
    left.isCaughtUp === right.isCaughtUp &&
    left.matchIndex === right.matchIndex &&
    left.appliedIndex === right.appliedIndex
  );
}
