import { expect, test } from 'vitest';
import { entryOverheadBytes, waitingReadsMax } from '../../../raft/core/limits.ts';
import { RaftMachine } from '../../../raft/core/machine.ts';
import { membershipOfVoters, voterMember } from '../../../raft/core/membership.ts';
import { logIndex, nodeId, term } from '../../../raft/core/types.ts';
import { config, entriesOf, id, LoneNode } from '../lone-node.ts';

// Rules of this machine that the thesis leaves open.

test('stepping down ends a campaign as well as a leadership', () => {
  const node = new LoneNode();
  node.campaign();
  node.grantPreVote('n2');

  node.step({ kind: 'step-down' });

  expect(node.status).toMatchObject({ role: 'follower', term: 1 });
});

test('a node that may not be elected gives up its campaign, begins none, and still votes', () => {
  const node = new LoneNode();
  node.campaign();

  node.step({ kind: 'set-electable', isElectable: false });
  expect(node.status.role).toBe('follower');
  node.tick(10 * config.electionTicksMax);
  node.receive('n2', { kind: 'timeout-now', term: term(0) });
  expect(node.status.role).toBe('follower');
  node.takeSent();
  node.receive('n2', { kind: 'vote-request', term: term(1), last: id(0, 0), isTransfer: false });
  node.persist();
  expect(node.takeSent()).toMatchObject([{ message: { granted: true } }]);

  node.step({ kind: 'set-electable', isElectable: true });
  node.campaign();
});

test('a node that may not be elected goes on leading: giving up is a decision of its own', () => {
  const node = new LoneNode();
  node.leadReady();

  node.step({ kind: 'set-electable', isElectable: false });

  expect(node.status.role).toBe('leader');
});

test('the bytes on the wire to one follower are bounded, whatever the number of appends', () => {
  const appendBytesMax = 1024;
  const node = new LoneNode({
    config: { appendBytesMax, inflightAppendsMax: 1000, uncommittedBytesMax: 10_000_000 },
  });
  node.leadReady();

  const text = 'x'.repeat(appendBytesMax - entryOverheadBytes);
  for (let count = 0; count < 100; count += 1) node.propose(text);

  const toOne = node.takeSent().filter(({ to }) => to === 'n2');
  expect(toOne.length).toBe(8);
});

test('entries of unknown size travel a few at a time', () => {
  const node = new LoneNode({ terms: Array.from({ length: 100 }, () => 1) });
  node.lead();
  node.takeSent();

  node.receive('n2', {
    kind: 'append-response',
    term: term(2),
    readRound: 0,
    appliedIndex: logIndex(0),
    result: { kind: 'conflict', previousIndex: logIndex(100), conflict: id(0, 0) },
  });

  const [append] = node.takeSentOf('append-request');
  expect(append?.previous).toEqual(id(0, 0));
  expect(append?.entries.length).toBe(15);
});

test('an answer to a round that was never opened confirms nothing', () => {
  const node = new LoneNode();
  node.leadReady();

  node.acknowledge('n2', 1, 9);

  expect(node.status).toMatchObject({ quorumRound: 0, refusedMessages: 1 });
});

test('the best target has applied most, then holds most, and was heard lately', () => {
  const node = new LoneNode({ voters: ['n1', 'n2', 'n3', 'n4', 'n5'] });
  node.leadReady(['n2', 'n3']);
  node.propose('a');
  const answer = (from: string, appliedIndex: number, matchIndex: number): void =>
    node.receive(from, {
      kind: 'append-response',
      term: node.status.term,
      readRound: 0,
      appliedIndex: logIndex(appliedIndex),
      result: { kind: 'matched', matchIndex: logIndex(matchIndex) },
    });
  answer('n5', 2, 2);
  node.tick(config.electionTicksMin);
  answer('n2', 0, 2);
  answer('n3', 1, 1);
  answer('n4', 1, 2);
  node.takeSent();

  node.step({ kind: 'transfer-leadership', transferId: 1, target: null });

  expect(node.takeSent()).toEqual([{ to: 'n4', message: { kind: 'timeout-now', term: 1 } }]);
});

test('a first election finds no target for a transfer that nobody has answered yet', () => {
  const node = new LoneNode();
  node.lead();
  node.takeEffectsOf('persist');

  node.step({ kind: 'transfer-leadership', transferId: 1, target: null });

  expect(node.takeEffectsOf('transfer-ended')).toMatchObject([{ outcome: 'rejected' }]);
});

test('reads that wait have a maximum, past which they are rejected at once', () => {
  const node = new LoneNode();
  node.lead();
  for (let readId = 0; readId < waitingReadsMax; readId += 1) {
    node.step({ kind: 'read-index', readId });
  }

  node.step({ kind: 'read-index', readId: -1 });

  expect(node.takeEffectsOf('read-rejected')).toMatchObject([{ readId: -1, leaderId: 'n1' }]);
});

test('the tail is decided when a leader of this term is known and an entry of this term committed', () => {
  const node = new LoneNode({ terms: [1, 1] });
  expect(node.status.isTailDecided).toBe(false);

  node.receiveAppend('n2', { term: 2, previous: id(1, 2), commitIndex: logIndex(2) });
  expect(node.status).toMatchObject({ commitIndex: 2, isTailDecided: false });
  node.receiveAppend('n2', {
    term: 2,
    previous: id(1, 2),
    entries: entriesOf([2], 3),
    commitIndex: logIndex(3),
  });
  expect(node.status).toMatchObject({ commitIndex: 3, isTailDecided: true });

  node.tick(config.electionTicksMax);
  node.persist();
  node.tick();
  expect(node.status).toMatchObject({ leaderId: null, isTailDecided: false });
});

test('a follower may know of a commit before its own disk is done', () => {
  const node = new LoneNode({ term: 1 });

  node.receiveAppend('n2', { term: 1, entries: entriesOf([1]), commitIndex: logIndex(1) });

  expect(node.status).toMatchObject({ commitIndex: 1, persistedIndex: 0 });
});

test('the role is told when it changes, and not again', () => {
  const node = new LoneNode();
  for (let beats = 0; beats < 3; beats += 1) node.receiveAppend('n2', { term: 1 });

  expect(node.takeEffectsOf('role-changed')).toEqual([
    { kind: 'role-changed', role: 'follower', term: 1, leaderId: 'n2' },
  ]);
});

test('the same inputs give the same effects', () => {
  const run = (): unknown => {
    const node = new LoneNode({ seed: 7 });
    node.leadReady();
    node.propose('a', 'b');
    node.tick(3);
    return [node.status, node.takeSent()];
  };

  expect(run()).toEqual(run());
});

test('a configuration that contradicts itself is refused at once', () => {
  const make = (voters: string[]): RaftMachine =>
    new RaftMachine({
      config: {
        ...config,
        self: nodeId('n1'),
        initialMembers: membershipOfVoters(voters.map(nodeId)).incoming,
      },
      random: { below: (low) => low },
      restored: {
        hardState: { term: term(0), votedFor: null },
        snapshot: null,
        firstIndex: logIndex(1),
        lastIndex: logIndex(0),
        termRuns: [],
        membershipEntries: [],
      },
    });

  expect(() => make(['n1', 'n2', 'n2'])).toThrow('n2 is named twice');
});

test('witnesses that fall silent together do not campaign in step for ever', () => {
  const timeouts = new Set<number>();
  for (let seed = 1; seed <= 20; seed += 1) {
    const witness = { ...voterMember(nodeId('n1')), kind: 'witness' } as const;
    const others = membershipOfVoters([nodeId('n2'), nodeId('n3')]).incoming;
    const node = new LoneNode({ seed, members: [witness, ...others] });
    let ticks = 0;
    for (; node.status.role === 'follower'; ticks += 1) node.tick();
    // After all who can serve, and within a bound.
    expect(ticks).toBeGreaterThanOrEqual(config.electionTicksMax);
    expect(ticks).toBeLessThan(2 * config.electionTicksMax);
    timeouts.add(ticks);
  }
  expect(timeouts.size).toBeGreaterThan(5);
});

test('a peer that overwrites configurations known to be committed is refused, not obeyed until an assertion', () => {
  const [one, two, three] = [
    ['n1', 'n2'],
    ['n1', 'n2', 'n3'],
    ['n1', 'n3'],
  ].map((ids) => membershipOfVoters(ids.map(nodeId)));
  const memberships = [one, two, three].filter((known) => known !== undefined);
  const all = new LoneNode({ terms: [1], memberships });
  // What follows a committed one was never truncated by a correct leader; at a start only the newest are known.
  all.receiveAppend('n2', { term: 5, previous: id(1, 1), entries: entriesOf([5], 2) });

  expect(all.status).toMatchObject({ lastIndex: 4, membershipIndex: 4, refusedMessages: 1 });
});
