import type { NodeStatus } from '../../admin/node-status.ts';
import { emptyMembership } from '../../raft/core/membership.ts';
import { logIndex, nodeId, term } from '../../raft/core/types.ts';
import type { RaftStatus } from '../../raft/raft-api.ts';

/** A follower of `n1` that has nothing to do, except for what a test is about. */
export function raftStatus(change: Partial<RaftStatus> = {}): RaftStatus {
  return {
    id: nodeId('n2'),
    role: 'follower',
    term: term(3),
    leaderId: nodeId('n1'),
    firstIndex: logIndex(1),
    lastIndex: logIndex(9),
    persistedIndex: logIndex(9),
    commitIndex: logIndex(8),
    appliedIndex: logIndex(7),
    leaderReadyIndex: null,
    isTailDecided: true,
    isTransferring: false,
    installingIndex: null,
    peers: [],
    membership: emptyMembership,
    membershipIndex: logIndex(0),
    memberKind: 'voter',
    isRemoved: false,
    ...change,
  };
}

/** A healthy replica, except for what a test is about. */
export function nodeStatus(
  change: {
    readonly node?: string;
    readonly raft?: Partial<RaftStatus>;
    readonly mysql?: Partial<NodeStatus['mysql']>;
  } = {},
): NodeStatus {
  return {
    node: change.node ?? 'n2',
    clusterId: '12345678',
    version: '0.0.0',
    pid: 1,
    uptimeMs: 1,
    raft: raftStatus(change.raft),
    mysql: {
      role: 'replica',
      reason: 'following',
      since: new Date(0).toISOString(),
      health: 'ok',
      complaints: [],
      version: '8.4.0',
      pid: 2,
      gtidExecuted: '',
      appliedIndex: 7,
      entriesBehind: 1,
      logHash: '00000000',
      logHashIndex: 8,
      unackedTransactions: 0,
      ...change.mysql,
    },
    proxy: {
      readWriteSessions: 4,
      readOnlySessions: 5,
      refusedSessions: 6,
      heldResponses: 7,
      isGateOpen: false,
    },
    ports: { readWrite: 1, readOnly: 2, binlog: 3, raft: 4, admin: 5, mysql: 6 },
  };
}
