import { expect, test } from 'vitest';
import { EntryKind } from '../../raft/core/entry.ts';
import type { Member, Membership } from '../../raft/core/membership.ts';
import { membershipOfVoters, voterMember } from '../../raft/core/membership.ts';
import { logIndex, type NodeId, nodeId, term } from '../../raft/core/types.ts';
import { config, entriesOf, id, LoneNode, membershipEntry } from './lone-node.ts';

// Goal: one test per rule of chapter 4 of Ongaro's thesis (2014), cluster membership changes, its section in the name.
// Method: n1 alone, the other nodes played by hand.

const n1 = nodeId('n1');
const n2 = nodeId('n2');
const n3 = nodeId('n3');
const n4 = nodeId('n4');

function learner(of: NodeId, promotion: Member['promotion'] = null): Member {
  return { ...voterMember(of), kind: 'learner', promotion };
}

function witness(of: NodeId): Member {
  return { ...voterMember(of), kind: 'witness' };
}

function voters(...ids: readonly NodeId[]): Membership {
  return membershipOfVoters(ids);
}

function joint(incoming: readonly NodeId[], outgoing: readonly NodeId[]): Membership {
  return { incoming: voters(...incoming).incoming, outgoing: voters(...outgoing).incoming };
}

/** Leads n1, n2, n3 and the learner n4, which is caught up; everything is committed. */
function leaderWithLearner(promotion: Member['promotion'] = null): LoneNode {
  const node = new LoneNode();
  node.leadReady();
  node.change(1, { kind: 'add', member: learner(n4, promotion) });
  node.persist();
  for (const peer of ['n2', 'n3', 'n4']) node.acknowledge(peer, node.status.lastIndex);
  expect(node.takeEffectsOf('membership-change-ended')).toMatchObject([
    { changeId: 1, end: { kind: 'committed' } },
  ]);
  return node;
}

test('§4.1 a configuration is in effect when it is appended, committed or not', () => {
  const node = new LoneNode();
  const entry = membershipEntry(voters(n1, n2), id(1, 1));

  node.receiveAppend('n2', { term: 1, entries: [entry] });

  expect(node.status).toMatchObject({ commitIndex: 0, membershipIndex: 1 });
  expect(node.status.membership).toEqual(voters(n1, n2));
  expect(node.takeEffectsOf('membership-changed')).toMatchObject([{ index: 1 }]);
});

test('§4.1 a configuration is undone when its entry is overwritten', () => {
  const node = new LoneNode();
  node.receiveAppend('n2', { term: 1, entries: [membershipEntry(voters(n1, n2), id(1, 1))] });

  node.receiveAppend('n3', { term: 2, entries: entriesOf([2]) });

  expect(node.status.membershipIndex).toBe(0);
  expect(node.status.membership).toEqual(voters(n1, n2, n3));
});

test('§4.1 a node that starts has the newest configuration of its log', () => {
  const node = new LoneNode({ terms: [1], memberships: [joint([n1, n2], [n1, n2, n3])] });

  expect(node.status).toMatchObject({ membershipIndex: 2, memberKind: 'voter' });
  expect(node.status.membership).toEqual(joint([n1, n2], [n1, n2, n3]));
});

test('§4.1 a leader that the configuration does not name is followed when no other is heard', () => {
  const node = new LoneNode();
  node.tick(config.electionTicksMin);

  node.receiveAppend('n9', { term: 3, entries: entriesOf([3]) });

  expect(node.status).toMatchObject({ term: 3, leaderId: 'n9', lastIndex: 1 });
});

test('§4.1 and whoever is named is believed before it', () => {
  const node = new LoneNode();
  node.tick(config.electionTicksMin);
  node.receiveAppend('n9', { term: 3 });

  node.receiveAppend('n2', { term: 3 });
  node.receiveAppend('n9', { term: 3, entries: entriesOf([3]) });

  expect(node.status).toMatchObject({ leaderId: 'n2', lastIndex: 0, refusedMessages: 1 });
});

test('§4.1 nobody that the configuration does not name is heeded while a leader is heard (I12)', () => {
  const node = new LoneNode();
  node.receiveAppend('n2', { term: 1 });
  node.takeSent();

  node.receiveAppend('n9', { term: 9, entries: entriesOf([9]) });
  node.receive('n9', { kind: 'vote-request', term: term(9), last: id(8, 9), isTransfer: true });
  node.receive('n9', { kind: 'timeout-now', term: term(1) });
  node.receive('n9', { kind: 'vote-response', term: term(9), granted: false });

  expect(node.takeSent()).toEqual([]);
  expect(node.status).toMatchObject({ term: 1, leaderId: 'n2', refusedMessages: 4 });
});

test('§4.1 a vote is given to a candidate that the configuration does not name', () => {
  const node = new LoneNode({ terms: [1] });
  node.tick(config.electionTicksMin);

  node.receive('n9', { kind: 'vote-request', term: term(2), last: id(1, 1), isTransfer: false });
  node.persist();

  expect(node.takeSentOf('vote-response')).toMatchObject([{ term: 2, granted: true }]);
});

test('§4.1 only voters are counted, whoever else grants a vote (R3)', () => {
  const node = new LoneNode({ members: [...voters(n1, n2, n3).incoming, learner(n4)] });
  node.campaign();

  for (const other of ['n4', 'n9']) node.grantPreVote(other);

  expect(node.status.role).toBe('pre-candidate');
});

test('§4.1 an entry that claims to be a configuration and is none is refused (S1)', () => {
  const node = new LoneNode();
  const entry = { ...id(1, 1), kind: EntryKind.membership, payload: Uint8Array.of(1, 2, 3) };

  node.receiveAppend('n2', { term: 1, entries: [entry] });

  expect(node.status).toMatchObject({ lastIndex: 0, refusedMessages: 1 });
});

test('§4.2.1 a learner and a node that waits to be added never campaign, and vote', () => {
  for (const members of [[...voters(n2, n3).incoming, learner(n1)], []]) {
    const node = new LoneNode({ members });
    node.tick(10 * config.electionTicksMax);
    expect(node.status).toMatchObject({ role: 'follower', term: 0 });

    node.receive('n2', { kind: 'vote-request', term: term(1), last: id(0, 0), isTransfer: false });
    node.persist();
    expect(node.takeSentOf('vote-response')).toMatchObject([{ granted: true }]);

    node.receiveAppend('n2', { term: 1 });
    node.receive('n2', { kind: 'timeout-now', term: term(1) });
    expect(node.status.role).toBe('follower');
  }
});

test('§4.2.1 what a learner holds commits nothing, and its word keeps no leader (I11)', () => {
  const node = leaderWithLearner();
  const committed = node.status.commitIndex;
  node.propose('a');
  node.persist();

  node.acknowledge('n4', node.status.lastIndex);
  expect(node.status.commitIndex).toBe(committed);
  for (let ticks = 0; ticks < config.electionTicksMax; ticks += 1) {
    node.tick();
    if (node.status.role === 'leader') node.acknowledge('n4', node.status.lastIndex);
  }
  expect(node.status.role).toBe('follower');
});

test('§4.2.1 a learner is promoted once a round of replication was quick', () => {
  const node = leaderWithLearner('voter');

  node.tick();

  expect(node.status.membership).toEqual({
    incoming: voters(n1, n2, n3, n4).incoming,
    outgoing: [...voters(n1, n2, n3).incoming, learner(n4, 'voter')],
  });
});

test('§4.2.1 a learner is not promoted while its rounds take longer than an election timeout', () => {
  const node = new LoneNode();
  node.leadReady();
  node.change(1, { kind: 'add', member: learner(n4, 'voter') });
  node.persist();
  node.acknowledge('n2', node.status.lastIndex);
  const { membershipIndex } = node.status;

  for (let rounds = 0; rounds < 5; rounds += 1) {
    node.propose('more');
    const target = node.status.lastIndex;
    node.persist();
    for (let ticks = 0; ticks <= config.electionTicksMin; ticks += 1) {
      node.tick();
      node.acknowledge('n2', target);
      node.acknowledge('n3', target);
    }
    node.acknowledge('n4', target);
  }

  expect(node.status).toMatchObject({ role: 'leader', membershipIndex });
  expect(node.status.peers.map(({ kind, isCaughtUp }) => [kind, isCaughtUp])).toEqual([
    ['voter', null],
    ['voter', null],
    ['learner', false],
  ]);
});

test('§4.2.2 a leader that removed itself does not count itself', () => {
  const node = new LoneNode();
  node.leadReady();
  node.acknowledge('n3', 1);
  node.change(1, { kind: 'remove', id: n1 });
  node.persist();

  // In the joint configuration n1 and n2 are two of {n1 n2 n3}, but n2 is one of {n2 n3}.
  node.acknowledge('n2', 2);
  expect(node.status.commitIndex).toBe(1);
  node.acknowledge('n3', 2);
  expect(node.status).toMatchObject({ commitIndex: 2, membershipIndex: 3 });

  node.persist();
  node.acknowledge('n2', 3);
  expect(node.status.commitIndex).toBe(2);
  node.acknowledge('n3', 3);
  expect(node.status).toMatchObject({ role: 'leader', commitIndex: 3, isRemoved: true });
});

test('§4.2.2 it steps down once that is committed, and prompts a successor that holds everything (R15)', () => {
  const node = new LoneNode();
  node.leadReady();
  node.acknowledge('n3', 1);
  node.change(1, { kind: 'remove', id: n1 });
  node.persist();
  for (const index of [2, 3]) for (const peer of ['n2', 'n3']) node.acknowledge(peer, index);
  node.takeSent();

  node.tick();
  expect(node.takeSent().filter(({ message }) => message.kind === 'timeout-now')).toMatchObject([
    { to: 'n2' },
  ]);
  node.propose('too late');
  expect(node.takeEffectsOf('proposal-rejected')).toMatchObject([{ reason: 'transferring' }]);

  for (let ticks = 0; ticks <= config.transferTicksMax; ticks += 1) {
    node.tick();
    if (node.status.role === 'leader') for (const peer of ['n2', 'n3']) node.acknowledge(peer, 3);
  }
  expect(node.status).toMatchObject({ role: 'follower', term: 1, memberKind: null });
});

test('§4.2.2 a node left out by a configuration that is not committed campaigns, without its own vote', () => {
  const node = new LoneNode({
    terms: [1],
    memberships: [joint([n2, n3], [n1, n2, n3]), voters(n2, n3)],
  });

  node.campaign();
  node.grantPreVote('n2');
  expect(node.status.role).toBe('pre-candidate');
  node.grantPreVote('n3');
  node.persist();
  node.grantVote('n2');
  expect(node.status.role).toBe('candidate');
  node.grantVote('n3');

  expect(node.status).toMatchObject({ role: 'leader', memberKind: null });
});

test('§4.2.2 once it is committed such a node never campaigns', () => {
  const node = new LoneNode();
  const entries = [
    membershipEntry(joint([n2, n3], [n1, n2, n3]), id(1, 1)),
    membershipEntry(voters(n2, n3), id(1, 2)),
  ];
  node.receiveAppend('n2', { term: 1, entries, commitIndex: logIndex(2) });

  node.tick(10 * config.electionTicksMax);

  expect(node.status).toMatchObject({ role: 'follower', term: 1, isRemoved: true });
});

test('§4.2.3 a leader tells a node that campaigns and was removed, and keeps its term (R7)', () => {
  const node = new LoneNode({ terms: [1], memberships: [voters(n1, n2)] });
  node.leadReady();
  const { term: before } = node.status;

  node.receive('n3', { kind: 'vote-request', term: term(9), last: id(1, 1), isTransfer: false });

  expect(node.takeSent()).toEqual([
    {
      to: 'n3',
      message: { kind: 'removed-notice', term: before, member: 'n3', membershipIndex: 2 },
    },
  ]);
  expect(node.status).toMatchObject({ role: 'leader', term: before, refusedMessages: 0 });
});

test('§4.2.3 followers tell as well: the leader may be none of those whom the removed node knows (R7)', () => {
  const node = new LoneNode({ terms: [1], memberships: [voters(n1, n2)] });
  const ask = (): void =>
    node.receive('n3', {
      ...{ kind: 'pre-vote-request', term: term(9), last: id(1, 1) },
      appliedIndex: logIndex(0),
    });
  node.receiveAppend('n2', { term: 1, previous: id(1, 2) });
  node.takeSent();
  ask();
  expect(node.takeSent()).toEqual([]);

  node.receiveAppend('n2', { term: 1, previous: id(1, 2), commitIndex: logIndex(2) });
  node.takeSent();
  ask();
  const notice = { kind: 'removed-notice', term: 1, member: 'n3', membershipIndex: 2 };
  expect(node.takeSent()).toEqual([{ to: 'n3', message: notice }]);

  // Without a leader it is asked in earnest, and says both.
  node.tick(config.electionTicksMin);
  node.takeSent();
  ask();
  expect(node.takeSent()).toEqual([
    { to: 'n3', message: notice },
    { to: 'n3', message: { kind: 'pre-vote-response', term: 1, granted: false } },
  ]);
  expect(node.status).toMatchObject({ term: 1, refusedMessages: 0 });
});

test('§4.2.3 no notice leaves before the term in it is durable (I8)', () => {
  const node = new LoneNode({ terms: [1], memberships: [voters(n1, n2)] });
  node.receiveAppend('n2', { term: 4, previous: id(1, 2), commitIndex: logIndex(2) });

  node.receive('n3', { kind: 'vote-request', term: term(9), last: id(1, 1), isTransfer: false });
  expect(node.takeSentOf('removed-notice')).toEqual([]);
  node.persist();

  expect(node.takeSentOf('removed-notice')).toMatchObject([{ term: 4 }]);
});

test('§4.2.3 a stranger that says this node was removed is not believed (S3)', () => {
  const node = new LoneNode();
  node.campaign();

  node.receive('n9', {
    ...{ kind: 'removed-notice', term: term(1), member: n1 },
    membershipIndex: logIndex(5),
  });

  expect(node.status).toMatchObject({ isRemoved: false, refusedMessages: 1 });
});

test('§4.2.3 who is told so stops its campaigns until a newer configuration names it', () => {
  const node = new LoneNode();
  node.campaign();
  node.receive('n2', {
    ...{ kind: 'removed-notice', term: term(1), member: n1 },
    membershipIndex: logIndex(5),
  });
  expect(node.status).toMatchObject({ role: 'follower', isRemoved: true });
  node.tick(10 * config.electionTicksMax);
  expect(node.status.role).toBe('follower');

  node.receiveAppend('n2', {
    term: 1,
    entries: [...entriesOf([1, 1, 1, 1, 1]), membershipEntry(voters(n1, n2), id(1, 6))],
  });
  node.persist();
  expect(node.status.isRemoved).toBe(false);
  node.campaign();
});

test('§4.2.3 news that another node was removed, or that are old, change nothing (I12)', () => {
  const node = new LoneNode({ terms: [1], memberships: [voters(n1, n2)] });
  const notice = { kind: 'removed-notice', term: term(1) } as const;

  node.receive('n2', { ...notice, member: n2, membershipIndex: logIndex(9) });
  node.receive('n2', { ...notice, member: n1, membershipIndex: logIndex(2) });

  expect(node.status).toMatchObject({ isRemoved: false, refusedMessages: 1 });
  node.campaign();
});

test('§4.3 while joint, an entry is committed by a majority of each configuration', () => {
  const node = leaderWithLearner();
  node.change(
    2,
    { kind: 'update', member: voterMember(n4) },
    { kind: 'remove', id: n2 },
    { kind: 'remove', id: n3 },
  );
  const { lastIndex, commitIndex } = node.status;
  node.persist();

  // n1 and n4 are the new configuration, n1 and n2 a majority of the old one.
  node.acknowledge('n4', lastIndex);
  expect(node.status.commitIndex).toBe(commitIndex);
  node.acknowledge('n2', lastIndex);
  expect(node.status.commitIndex).toBe(lastIndex);
});

test('§4.3 while joint, a leader is elected by a majority of each configuration', () => {
  const node = new LoneNode({ terms: [1], memberships: [joint([n1, n4], [n1, n2, n3])] });
  node.campaign();
  node.grantPreVote('n2');
  node.grantPreVote('n3');
  expect(node.status.role).toBe('pre-candidate');
  node.grantPreVote('n4');
  node.persist();

  node.grantVote('n4');
  expect(node.status.role).toBe('candidate');
  node.grantVote('n3');
  expect(node.status.role).toBe('leader');
});

test('§4.3 while joint, reads and the quorum check need a majority of each configuration', () => {
  const node = leaderWithLearner();
  node.change(2, { kind: 'update', member: voterMember(n4) }, { kind: 'remove', id: n3 });
  node.step({ kind: 'read-index', readId: 7 });
  const round = node.status.readRound;
  const { commitIndex } = node.status;

  // Of {n1 n2 n4} n4 makes a majority with n1; of {n1 n2 n3} it is nobody.
  node.acknowledge('n4', commitIndex, round);
  expect(node.takeEffectsOf('read-ready')).toEqual([]);
  node.acknowledge('n3', commitIndex, round);
  expect(node.takeEffectsOf('read-ready')).toMatchObject([{ readId: 7 }]);

  for (let ticks = 0; ticks < config.electionTicksMax; ticks += 1) {
    node.tick();
    if (node.status.role === 'leader') node.acknowledge('n4', commitIndex);
  }
  expect(node.status.role).toBe('follower');
});

test('§4.3 the leader leaves the joint configuration once it is committed', () => {
  const node = leaderWithLearner();
  node.change(2, { kind: 'update', member: voterMember(n4) });
  node.persist();
  for (const peer of ['n2', 'n3', 'n4']) node.acknowledge(peer, node.status.lastIndex);

  expect(node.status.membership).toEqual(voters(n1, n2, n3, n4));
  expect(node.takeEffectsOf('membership-change-ended')).toEqual([]);

  node.persist();
  const { lastIndex } = node.status;
  for (const peer of ['n2', 'n3']) node.acknowledge(peer, lastIndex);
  expect(node.takeEffectsOf('membership-change-ended')).toMatchObject([
    { changeId: 2, end: { kind: 'committed', index: lastIndex } },
  ]);
});

test('§4.3 a new leader leaves a joint configuration it inherited, after a commit of its own term (R4, R5)', () => {
  const node = new LoneNode({ terms: [1], memberships: [joint([n1, n2], [n1, n2, n3])] });
  node.lead(['n2']);
  node.persist();
  node.change(1, { kind: 'add', member: learner(n4) });
  expect(node.takeEffectsOf('membership-change-ended')).toMatchObject([
    { end: { kind: 'rejected', reason: 'not-ready' } },
  ]);

  // The inherited entry alone commits nothing: its term is over.
  node.acknowledge('n2', 2);
  expect(node.status).toMatchObject({ commitIndex: 0, membershipIndex: 2 });
  node.acknowledge('n2', 3);

  expect(node.status).toMatchObject({ commitIndex: 3, membershipIndex: 4 });
  expect(node.status.membership).toEqual(voters(n1, n2));
});

test('§4.3 one change at a time, and none while one is not committed (R5, I11)', () => {
  const node = new LoneNode();
  node.leadReady();
  node.acknowledge('n3', 1);
  node.change(1, { kind: 'remove', id: n3 });
  const { lastIndex } = node.status;

  node.change(2, { kind: 'remove', id: n2 });

  expect(node.status.lastIndex).toBe(lastIndex);
  expect(node.takeEffectsOf('membership-change-ended')).toMatchObject([
    { changeId: 2, end: { kind: 'rejected', reason: 'change-in-progress' } },
  ]);
});

test('§4.3 who asked for a change learns that its outcome is open when leadership is lost', () => {
  const node = new LoneNode();
  node.leadReady();
  node.acknowledge('n3', 1);
  node.change(1, { kind: 'remove', id: n3 });

  node.receiveAppend('n2', { term: 5 });

  expect(node.takeEffectsOf('membership-change-ended')).toEqual([
    { kind: 'membership-change-ended', changeId: 1, end: { kind: 'unsettled', leaderId: 'n2' } },
  ]);
});

test('§4.3 voters that stay the same need no joint configuration', () => {
  const node = new LoneNode();
  node.leadReady();
  node.acknowledge('n3', 1);

  node.change(1, { kind: 'update', member: witness(n3) }, { kind: 'add', member: learner(n4) });

  expect(node.status.membership).toEqual({
    incoming: [...voters(n1, n2).incoming, witness(n3), learner(n4)],
    outgoing: [],
  });
});

test('§6.4.1 who became the only voter waits after a start, for whoever removed the others may hold a lease (R9)', () => {
  const node = new LoneNode({
    terms: [1],
    memberships: [joint([n1], [n1, n2, n3]), voters(n1)],
  });

  node.tick();
  expect(node.status.role).toBe('follower');
  node.campaign();
  node.persist();
  expect(node.status.role).toBe('leader');
});

test('a witness that leads serves nothing, and hands on to the best applied voter, never to a witness', () => {
  const node = new LoneNode({ members: [witness(n1), ...voters(n2, n3).incoming, witness(n4)] });
  node.lead(['n2', 'n3']);
  node.persist();
  node.step({ kind: 'read-index', readId: 1 });
  node.propose('a');
  expect(node.takeEffectsOf('proposal-rejected')).toMatchObject([{ reason: 'not-leader' }]);

  for (const [peer, appliedIndex] of [
    ['n2', 0],
    ['n3', 1],
    ['n4', 1],
  ] as const) {
    node.receive(peer, {
      ...{ kind: 'append-response', term: term(1), readRound: 0 },
      appliedIndex: logIndex(appliedIndex),
      result: { kind: 'matched', matchIndex: logIndex(1) },
    });
  }
  expect(node.status).toMatchObject({ commitIndex: 1, leaderReadyIndex: null });
  node.takeSent();
  node.tick();

  expect(node.takeSent().filter(({ message }) => message.kind === 'timeout-now')).toMatchObject([
    { to: 'n3' },
  ]);
});

test('a witness waits longer than any voter before it campaigns', () => {
  const node = new LoneNode({ members: [witness(n1), ...voters(n2, n3).incoming] });

  node.tick(config.electionTicksMax - 1);
  expect(node.status.role).toBe('follower');
  node.campaign();
  expect(node.status.role).toBe('pre-candidate');
});

test('a witness becomes nothing else in place: it has no database, and may lack the front of the log', () => {
  const node = new LoneNode({ members: [...voters(n1, n2).incoming, witness(n3)] });
  node.leadReady();
  node.acknowledge('n3', 1);

  node.change(1, { kind: 'update', member: voterMember(n3) });
  node.change(2, { kind: 'remove', id: n3 }, { kind: 'add', member: learner(n3, 'voter') });
  node.change(3, { kind: 'update', member: learner(n3, 'witness') });

  expect(node.takeEffectsOf('membership-change-ended')).toMatchObject([
    { changeId: 1, end: { kind: 'rejected', reason: 'unusable' } },
    { changeId: 2, end: { kind: 'rejected', reason: 'unusable' } },
    { changeId: 3, end: { kind: 'rejected', reason: 'unusable' } },
  ]);
});

test('a request of more changes than could ever be needed is refused', () => {
  const node = new LoneNode();
  node.leadReady();

  node.change(
    1,
    ...Array.from({ length: 65 }, (_, place) => ({
      kind: 'add' as const,
      member: learner(nodeId(`m${place}`)),
    })),
  );

  expect(node.takeEffectsOf('membership-change-ended')).toMatchObject([
    { end: { reason: 'unusable', detail: '65 changes, 64 at once are the most' } },
  ]);
});

test('§4.2.3 a removed node that restarts, and knows no commit yet, is told as well (R7)', () => {
  const node = new LoneNode({
    terms: [1],
    memberships: [joint([n2, n3], [n1, n2, n3]), voters(n2, n3)],
  });
  node.campaign();

  node.receive('n2', {
    ...{ kind: 'removed-notice', term: term(1), member: n1 },
    membershipIndex: logIndex(3),
  });

  expect(node.status).toMatchObject({ role: 'follower', isRemoved: true });
  node.tick(10 * config.electionTicksMax);
  expect(node.status.role).toBe('follower');
});

test('a witness that leads tries the voters in turn: the best one may not be electable', () => {
  const node = new LoneNode({ members: [witness(n1), ...voters(n2, n3).incoming] });
  node.lead(['n2', 'n3']);
  node.persist();
  const offered: NodeId[] = [];

  for (let ticks = 0; ticks < 3 * config.transferTicksMax; ticks += 1) {
    for (const peer of ['n2', 'n3']) node.acknowledge(peer, node.status.lastIndex);
    node.tick();
    for (const { to, message } of node.takeSent()) {
      if (message.kind === 'timeout-now' && offered.at(-1) !== to) offered.push(to);
    }
  }

  expect(offered).toEqual(['n2', 'n3', 'n2']);
});

test('a node that is being added and still reads the configurations from before was not removed', () => {
  const node = new LoneNode({ members: [] });
  const { incoming } = voters(n2, n3);
  const withLearner = { incoming: [...incoming, learner(n1)], outgoing: [] };

  node.receiveAppend('n2', {
    ...{ term: 1, commitIndex: logIndex(1) },
    entries: [membershipEntry(voters(n2, n3), id(1, 1))],
  });
  expect(node.status).toMatchObject({ commitIndex: 1, memberKind: null, isRemoved: false });

  node.receiveAppend('n2', {
    ...{ term: 1, previous: id(1, 1), commitIndex: logIndex(3) },
    entries: [membershipEntry(withLearner, id(1, 2)), membershipEntry(voters(n2, n3), id(1, 3))],
  });
  expect(node.status).toMatchObject({ commitIndex: 3, memberKind: null, isRemoved: true });
});
