export {
  type CompactionFacts,
  type CompactionLimits,
  compactionIndex,
  type MemberApplied,
} from './core/compaction-policy.ts';
export { checkRaftConfig, defaultRaftTimings, type RaftConfig } from './core/config.ts';
export { type Entry, EntryKind } from './core/entry.ts';
export type { MemberChange } from './core/member-changes.ts';
export {
  allMembers,
  isJoint,
  isWithoutState,
  type Member,
  type MemberAddress,
  type MemberKind,
  type Membership,
  memberKinds,
  membershipOfVoters,
  voterMember,
} from './core/membership.ts';
export type { SnapshotMeta } from './core/snapshot.ts';
export {
  type EntryId,
  type HardState,
  isNodeId,
  type LogIndex,
  logIndex,
  type NodeId,
  nodeId,
  type Role,
  type Term,
  term,
} from './core/types.ts';
export {
  MembershipRefusedError,
  MembershipUnsettledError,
  NotLeaderError,
  ShuttingDownError,
  TooManyInFlightError,
  TransferAbortedError,
  TransferringError,
} from './errors.ts';
export type { LogBatch, LogStore, LogStoreState } from './log-store.ts';
export { createRaftNode, RaftNode, type RaftNodeOptions } from './node.ts';
export type { PeerStatus, ProposalReceipt, Raft, RaftStatus } from './raft-api.ts';
export type { SnapshotParts } from './snapshot-exchange.ts';
export type { SnapshotSource, SnapshotStore } from './snapshot-store.ts';
export { defaultTransportLimits, type TransportLimits } from './tcp/limits.ts';
export type { PeerAddress } from './tcp/peer-link.ts';
export {
  type PeerLinkStatus,
  TcpTransport,
  type TcpTransportOptions,
} from './tcp/tcp-transport.ts';
export type { PeerPlace, Transport, TransportEvents } from './transport.ts';
