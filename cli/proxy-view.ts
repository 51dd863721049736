import type { RoleState } from '../mysql-bridge/role/role-types.ts';
import type { ProxyTarget, ProxyView } from '../proxy/proxy-api.ts';
import type { RaftStatus } from '../raft/raft-api.ts';
import type { MemberConfig } from './config-schema.ts';

/**
 * Where this node's two ports lead, from what Raft and the bridge say. Pure.
 *
 * Read-write: the local primary, else the leader's node. Read-only: the local server while it is a replica, else another node
 * that is connected and does not lead. A witness has no server. A node that was removed shows the past for ever and does not hear
 * who leads now: whom it would send a session to may serve that port no more. Null: nobody can serve now, and new sessions wait.
 */
export function proxyView(facts: {
  readonly self: string;
  readonly members: readonly MemberConfig[];
  readonly mysqlPort: number;
  readonly raft: RaftStatus;
  readonly role: RoleState;
}): ProxyView {
  return { readWrite: readWriteTarget(facts), readOnly: readOnlyTarget(facts) };
}

type Facts = Parameters<typeof proxyView>[0];

function readWriteTarget({ self, members, mysqlPort, raft, role }: Facts): ProxyTarget | null {
  switch (role.kind) {
    case 'primary':
    case 'quiescing':
    case 'handing-over':
    case 'resuming':
      return { kind: 'local', port: mysqlPort };
    default:
      break;
  }
  if (raft.isRemoved) return { kind: 'removed' };
  const leader = members.find((member) => member.id === raft.leaderId && member.id !== self);
  const peer = raft.peers.find(({ id }) => id === leader?.id);
  // A witness leads for as long as it takes to hand on.
  if (leader === undefined || peer === undefined || peer.kind === 'witness') return null;
  return { kind: 'remote', nodeId: peer.id, host: leader.host, port: leader.forwardReadWritePort };
}

function readOnlyTarget({ members, mysqlPort, raft, role }: Facts): ProxyTarget | null {
  if (raft.isRemoved) return { kind: 'removed' };
  const isServing = role.kind === 'replica' || role.kind === 'catching-up';
  if (isServing) return { kind: 'local', port: mysqlPort };
  const peers = raft.peers.filter(
    ({ id, kind, isConnected }) => isConnected && kind !== 'witness' && id !== raft.leaderId,
  );
  // A learner that was just added has no server yet, or one that begins with the first transaction of the log.
  const peer = peers.find(({ kind }) => kind === 'voter') ?? peers[0];
  const member = members.find(({ id }) => id === peer?.id);
  if (peer === undefined || member === undefined) return null;
  return { kind: 'remote', nodeId: peer.id, host: member.host, port: member.forwardReadOnlyPort };
}
