import type { MachineStatus } from './core/status.ts';
import type { NodeId } from './core/types.ts';
import type { PeerStatus, RaftStatus } from './raft-api.ts';

/** What others see of a member: the machine's view, and who is connected, which only the shell knows. */
export function raftStatusOf(machine: MachineStatus, connected: ReadonlySet<NodeId>): RaftStatus {
  const { readRound: _a, quorumRound: _b, isLeaseSafe: _c, refusedMessages: _d, ...rest } = machine;
  return {
    ...rest,
    peers: machine.peers.map((peer) => ({ ...peer, isConnected: connected.has(peer.id) })),
  };
}

/** Whether two views of a member say the same. */
export function isSameStatus(left: RaftStatus, right: RaftStatus): boolean {
  return (
    left === right ||
    (left.role === right.role &&
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
      left.peers.length === right.peers.length &&
      left.peers.every((peer, place) => isSamePeer(peer, right.peers[place])))
  );
}

function isSamePeer(left: PeerStatus, right: PeerStatus | undefined): boolean {
  return (
    left.id === right?.id &&
    left.kind === right.kind &&
    left.isCaughtUp === right.isCaughtUp &&
    left.isConnected === right.isConnected &&
    left.matchIndex === right.matchIndex &&
    left.appliedIndex === right.appliedIndex
  );
}
