import { expect, test } from 'vitest';
import { proxyView } from '../../cli/proxy-view.ts';
import type { RoleState } from '../../mysql-bridge/role/role-types.ts';
import type { ProxyView } from '../../proxy/proxy-api.ts';
import type { MemberKind } from '../../raft/core/membership.ts';
import { nodeId } from '../../raft/core/types.ts';
import type { RaftStatus } from '../../raft/raft-api.ts';
import { raftStatus } from '../support/node-status.ts';

const mysqlPort = 7206;
const local = { kind: 'local', port: mysqlPort };
const members = [1, 2, 3].map((number) => ({
  id: `n${number}`,
  host: `10.0.0.${number}`,
  raftPort: 1,
  adminPort: 2,
  forwardReadWritePort: 7008 + number * 100,
  forwardReadOnlyPort: 7009 + number * 100,
}));

/** As n2 sees it. */
function view(role: RoleState, raft: Partial<RaftStatus> = {}): ProxyView {
  const peers = [peer('n1', true), peer('n3', true)];
  return proxyView({
    self: 'n2',
    members,
    mysqlPort,
    raft: raftStatus({ peers, ...raft }),
    role,
  });
}

function peer(
  id: string,
  isConnected: boolean,
  kind: MemberKind = 'voter',
): RaftStatus['peers'][number] {
  return {
    id: nodeId(id),
    kind,
    isConnected,
    isCaughtUp: null,
    matchIndex: null,
    appliedIndex: null,
  };
}

test.each(['primary', 'quiescing', 'handing-over', 'resuming'] as const)(
  'read-write leads to the local server while it is %s',
  (kind) => {
    expect(view({ kind, term: 3 }, { leaderId: nodeId('n2') }).readWrite).toEqual(local);
  },
);

test('read-write leads to the node of the leader, when that is another one', () => {
  expect(view({ kind: 'replica' }).readWrite).toEqual({
    kind: 'remote',
    nodeId: 'n1',
    host: '10.0.0.1',
    port: 7108,
  });
});

test.each(['catching-up', 'taking-over'] as const)(
  'read-write waits while the leader itself is %s: its server is not writable yet',
  (kind) => {
    expect(view({ kind, term: 3 }, { leaderId: nodeId('n2') }).readWrite).toBeNull();
  },
);

test('read-write waits while no leader is known', () => {
  expect(view({ kind: 'replica' }, { leaderId: null }).readWrite).toBeNull();
});

test('read-only leads to the local server while it is a replica, or is still catching up to become primary', () => {
  expect(view({ kind: 'replica' }).readOnly).toEqual(local);
  expect(view({ kind: 'catching-up', term: 3 }).readOnly).toEqual(local);
});

test('read-only of a primary leads to a follower', () => {
  const { readOnly } = view({ kind: 'primary', term: 3 }, { leaderId: nodeId('n2') });
  expect(readOnly).toEqual({ kind: 'remote', nodeId: 'n1', host: '10.0.0.1', port: 7109 });
});

test('read-only of a server that is down leads to a follower that is connected, never to the leader', () => {
  expect(view({ kind: 'undecided' }).readOnly).toMatchObject({ nodeId: 'n3', port: 7309 });
  const peers = [peer('n1', true), peer('n3', false)];
  expect(view({ kind: 'undecided' }, { peers }).readOnly).toBeNull();
});

test('neither port leads to a witness: it has no server', () => {
  const peers = [peer('n1', true, 'witness'), peer('n3', true)];

  expect(view({ kind: 'replica' }, { peers }).readWrite).toBeNull();
  expect(view({ kind: 'undecided' }, { peers, leaderId: nodeId('n2') }).readOnly).toMatchObject({
    nodeId: 'n3',
  });
});

test('a node that was removed sends nobody to whom it last heard of, who may lead no more, or lead now, and says so', () => {
  const removed = { isRemoved: true, leaderId: nodeId('n1') };
  const follower = view({ kind: 'replica' }, removed);
  expect(follower).toEqual({ readWrite: { kind: 'removed' }, readOnly: { kind: 'removed' } });
  expect(view({ kind: 'primary', term: 3 }, removed).readWrite).toEqual(local);
});

test('read-only leads to a learner only where there is no other', () => {
  const learner = peer('n1', true, 'learner');
  const role = { kind: 'primary', term: 3 } as const;
  const leaderId = nodeId('n2');

  const both = view(role, { leaderId, peers: [learner, peer('n3', true)] });
  const alone = view(role, { leaderId, peers: [learner, peer('n3', false)] });

  expect(both.readOnly).toMatchObject({ nodeId: 'n3' });
  expect(alone.readOnly).toMatchObject({ nodeId: 'n1' });
});
