import { expect, test } from 'vitest';
import { type Member, type Membership, voterMember } from '../../raft/core/membership.ts';
import type { SnapshotMeta } from '../../raft/core/snapshot.ts';
import { type EntryId, logIndex, type NodeId, nodeId, term } from '../../raft/core/types.ts';
import { config, entriesOf, id, LoneNode, type LoneNodeOptions } from './lone-node.ts';

// Goal: what a node without a state may take, drop and do, whatever the configuration calls it. Method: n1 alone, the others played by hand.

const n1 = nodeId('n1');
const n2 = nodeId('n2');
const n3 = nodeId('n3');

function witness(of: NodeId): Member {
  return { ...voterMember(of), kind: 'witness' };
}

function members(...incoming: readonly Member[]): Membership {
  return { incoming, outgoing: [] };
}

const withWitness: Membership = members(witness(n1), voterMember(n2), voterMember(n3));

function offer(node: LoneNode, last: EntryId, membership: SnapshotMeta['membership'] = null): void {
  node.receive('n2', { kind: 'install-snapshot', term: term(1), meta: { last, membership } });
}

/** A follower of n2 in term 1. */
function follower(options: LoneNodeOptions & { readonly commit: number }): LoneNode {
  const node = new LoneNode({ term: 1, ...options });
  const { lastIndex } = node.status;
  node.receiveAppend('n2', {
    term: 1,
    previous: id(lastIndex === 0 ? 0 : 1, lastIndex),
    commitIndex: logIndex(options.commit),
  });
  node.persist();
  node.takeSent();
  node.takeEffectsOf('persist');
  return node;
}

test('a node without a state that waits to be added keeps what a snapshot is of, and fetches nothing', () => {
  const node = new LoneNode({ members: [], config: { isStateless: true } });

  offer(node, id(1, 9));

  expect(node.fetched).toBeNull();
  expect(node.takeSentOf('append-response')).toEqual([]);
  node.persist();
  expect(node.takeSentOf('append-response')).toMatchObject([
    { result: { kind: 'matched', matchIndex: 9 } },
  ]);
  expect(node.status).toMatchObject({ firstIndex: 10, lastIndex: 9, commitIndex: 9 });
});

test('a node with a state that waits to be added fetches it, since nobody told it yet what it is to become', () => {
  const node = new LoneNode({ members: [] });

  offer(node, id(1, 9));

  expect(node.fetched).toMatchObject({ last: { index: 9 } });
  expect(node.status.firstIndex).toBe(1);
});

test('what a configuration calls a node says nothing of its state: the id may have been that of a witness before', () => {
  const named = follower({ terms: [1], memberships: [withWitness], commit: 2 });
  const added = new LoneNode({ members: [] });

  offer(named, id(1, 9));
  offer(added, id(1, 9), { index: logIndex(5), membership: withWitness });

  // Taken as they are offered, they would leave a voter whose log begins behind a state it never had.
  for (const node of [named, added]) {
    expect(node.status.firstIndex).toBe(1);
    expect(node.fetched).toMatchObject({ last: { index: 9 } });
  }
});

test('a node with a state drops what it has applied and no more, though it is a witness', () => {
  const node = follower({ terms: [1, 1, 1], memberships: [withWitness], commit: 4 });
  node.step({ kind: 'applied', index: logIndex(2) });

  node.step({ kind: 'compact', upTo: logIndex(9) });

  expect(node.status.firstIndex).toBe(3);
});

test('a witness drops nothing past its own log, however far the others are', () => {
  const node = follower({
    ...{ members: withWitness.incoming, terms: [1, 1, 1], commit: 2 },
    config: { isStateless: true },
  });
  node.receiveAppend('n2', {
    ...{ term: 1, previous: id(1, 3), commitIndex: logIndex(5) },
    entries: entriesOf([1, 1], 4),
  });

  node.step({ kind: 'compact', upTo: logIndex(100) });
  expect(node.status.firstIndex).toBe(4);
  node.persist();
  node.step({ kind: 'compact', upTo: logIndex(100) });

  expect(node.status).toMatchObject({ firstIndex: 6, lastIndex: 5 });
});

test('a leader offers what its log begins behind to those that need no more, and to nobody else', () => {
  const learner: Member = { ...voterMember(nodeId('n4')), kind: 'learner' };
  const node = new LoneNode({
    behind: id(1, 9),
    members: [voterMember(n1), voterMember(n2), witness(n3), learner],
  });
  node.leadReady();
  node.takeEffectsOf('persist');
  const lag = (peer: string): void =>
    node.receive(peer, {
      ...{
        kind: 'append-response',
        term: node.status.term,
        readRound: 0,
        appliedIndex: logIndex(0),
      },
      result: { kind: 'conflict', previousIndex: logIndex(9), conflict: id(0, 0) },
    });

  lag('n3');
  lag('n4');

  expect(node.takeEffectsOf('send-snapshot')).toMatchObject([
    { to: 'n3', coversAtLeast: 9, logBase: { last: { term: 1, index: 9 } } },
    { to: 'n4', coversAtLeast: 9, logBase: null },
  ]);
});

test('a voter without a state does what a witness does: it campaigns last, serves nothing, hands on, takes no transfer', () => {
  const node = new LoneNode({ config: { isStateless: true } });

  node.receive('n2', { kind: 'timeout-now', term: term(0) });
  expect(node.status.role).toBe('follower');
  node.tick(config.electionTicksMax - 1);
  expect(node.status.role).toBe('follower');
  node.lead(['n2', 'n3']);
  node.persist();
  for (const peer of ['n2', 'n3']) node.acknowledge(peer, node.status.lastIndex);
  node.tick();

  expect(node.status).toMatchObject({ role: 'leader', leaderReadyIndex: null });
  expect(node.takeSentOf('timeout-now')).toHaveLength(1);
});

test('a learner that is to become a witness becomes nothing else: it may have begun without a state', () => {
  const toBe: Member = { ...voterMember(n3), kind: 'learner', promotion: 'witness' };
  const node = new LoneNode({ members: [voterMember(n1), voterMember(n2), toBe] });
  node.leadReady();

  node.change(1, { kind: 'update', member: { ...toBe, promotion: 'voter' } });
  node.change(2, { kind: 'update', member: { ...toBe, promotion: null } });

  expect(node.takeEffectsOf('membership-change-ended')).toMatchObject([
    { changeId: 1, end: { kind: 'rejected', reason: 'unusable' } },
    { changeId: 2, end: { kind: 'rejected', reason: 'unusable' } },
  ]);
});
