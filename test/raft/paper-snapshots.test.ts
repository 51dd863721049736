import { expect, test } from 'vitest';
import { membershipOfVoters } from '../../raft/core/membership.ts';
import type { SnapshotMeta } from '../../raft/core/snapshot.ts';
import { type EntryId, logIndex, nodeId, term } from '../../raft/core/types.ts';
import { config, entriesOf, id, LoneNode, type LoneNodeOptions } from './lone-node.ts';

// Goal: one test per rule of Ongaro's thesis (2014) on compaction, snapshots and reads at followers, its section in the name.
// Method: n1 alone, the other nodes played by hand.

function meta(last: EntryId): SnapshotMeta {
  return { last, membership: null };
}

/** A follower of n2 in term 5 with a log of these terms, all of it committed and applied. */
function follower(options: LoneNodeOptions & { readonly commit?: number }): LoneNode {
  const node = new LoneNode({ term: 5, ...options });
  const { lastIndex } = node.status;
  const last = options.terms?.at(-1) ?? options.behind?.term ?? 0;
  node.receiveAppend('n2', {
    term: 5,
    previous: id(last, lastIndex),
    commitIndex: logIndex(options.commit ?? lastIndex),
  });
  node.persist();
  node.step({ kind: 'applied', index: logIndex(options.commit ?? lastIndex) });
  node.takeSent();
  node.takeEffectsOf('persist');
  return node;
}

function offer(node: LoneNode, last: EntryId, fields: { term?: number; from?: string } = {}): void {
  const { term: ofTerm = 5, from = 'n2' } = fields;
  node.receive(from, { kind: 'install-snapshot', term: term(ofTerm), meta: meta(last) });
}

function compact(node: LoneNode, upTo: number): void {
  node.step({ kind: 'compact', upTo: logIndex(upTo) });
}

test('§5.1 a log is compacted to an applied entry, and what it was is durable in the same write', () => {
  const node = follower({ terms: [1, 1, 3, 3, 4] });

  compact(node, 3);

  expect(node.status).toMatchObject({ firstIndex: 4, lastIndex: 5, commitIndex: 5 });
  expect(node.takeEffectsOf('persist')).toMatchObject([
    { truncateFrom: null, snapshot: { last: { term: 3, index: 3 } }, entries: [] },
  ]);
});

test('§5.1 nothing that is not applied, or not durable, is compacted away', () => {
  const node = follower({ terms: [1, 1, 3], commit: 2 });
  compact(node, 3);
  expect(node.status.firstIndex).toBe(3);

  node.receiveAppend('n2', {
    term: 5,
    previous: id(3, 3),
    entries: entriesOf([5, 5], 4),
    commitIndex: logIndex(5),
  });
  node.step({ kind: 'applied', index: logIndex(5) });
  compact(node, 5);
  expect(node.status.firstIndex).toBe(4);

  node.persist();
  compact(node, 5);
  expect(node.status).toMatchObject({ firstIndex: 6, lastIndex: 5 });
});

test('§5.1 compaction never goes back, and asks nobody', () => {
  const node = follower({ terms: [1, 1, 1, 1] });
  compact(node, 3);
  node.takeEffectsOf('persist');

  compact(node, 2);
  compact(node, 3);

  expect(node.status.firstIndex).toBe(4);
  expect(node.takeEffectsOf('persist')).toEqual([]);
  expect(node.takeSent()).toEqual([]);
});

test('§5.1 a compaction keeps the members at its entry, and not those of later ones (§4.1)', () => {
  const memberships = ['n3', 'n4'].map((other) =>
    membershipOfVoters(['n1', 'n2', other].map(nodeId)),
  );
  const node = follower({ terms: [1, 1], memberships });

  compact(node, 3);
  node.persist();
  expect(node.takeEffectsOf('persist')).toMatchObject([
    { snapshot: { last: { index: 3 }, membership: { index: 3, membership: memberships[0] } } },
  ]);

  node.restart();
  expect(node.status).toMatchObject({ firstIndex: 4, membershipIndex: 4 });
  expect(node.status.membership).toEqual(memberships[1]);
});

test('§5.1 where the members at an entry are forgotten, nothing is compacted up to there', () => {
  const memberships = ['n3', 'n4'].map((other) =>
    membershipOfVoters(['n1', 'n2', other].map(nodeId)),
  );
  const node = follower({ terms: [1, 1], memberships });
  node.restart();
  node.receiveAppend('n2', { term: 5, previous: id(1, 4), commitIndex: logIndex(4) });
  node.step({ kind: 'applied', index: logIndex(4) });

  compact(node, 2);
  expect(node.status.firstIndex).toBe(1);
  compact(node, 3);
  expect(node.status.firstIndex).toBe(4);
});

test('§5.1 a node starts from what its log begins behind: that is committed and applied', () => {
  const node = new LoneNode({ behind: id(3, 10), terms: [3, 4] });

  expect(node.status).toMatchObject({
    firstIndex: 11,
    lastIndex: 12,
    commitIndex: 10,
    appliedIndex: 10,
    term: 4,
  });
});

test('§5.1 the entry a log begins behind still answers the consistency check', () => {
  const node = follower({ behind: id(3, 10) });

  node.receiveAppend('n2', { term: 5, previous: id(3, 10), entries: entriesOf([5], 11) });
  node.persist();

  expect(node.takeSentOf('append-response')).toMatchObject([
    { result: { kind: 'matched', matchIndex: 11 } },
  ]);
});

test('§5.1 an append that begins before the log is taken from where the log begins', () => {
  const node = follower({ behind: id(3, 10), terms: [3] });

  node.receiveAppend('n2', { term: 5, previous: id(2, 8), entries: entriesOf([3, 3, 3, 5], 9) });
  node.persist();
  node.receiveAppend('n2', { term: 5, previous: id(1, 2), entries: entriesOf([1, 2], 3) });

  expect(node.takeSentOf('append-response')).toMatchObject([
    { result: { kind: 'matched', matchIndex: 12 } },
    { result: { kind: 'matched', matchIndex: 10 } },
  ]);
  expect(node.terms).toEqual([3, 5]);
});

test('§5.1 a leader that contradicts what was compacted away is refused (I3)', () => {
  const node = follower({ behind: id(3, 10), terms: [3], commit: 10 });

  node.receiveAppend('n2', { term: 5, previous: id(2, 8), entries: entriesOf([2, 4, 5], 9) });
  node.receiveAppend('n2', { term: 5, previous: id(2, 12), entries: [] });

  expect(node.status.refusedMessages).toBe(2);
  expect(node.terms).toEqual([3]);
});

test('§5.2 a leader that no longer has what a follower needs offers a snapshot, and heartbeats go on', () => {
  const node = new LoneNode({ behind: id(3, 10), terms: [3] });
  node.takeSnapshot();
  node.leadReady();

  node.receive('n3', {
    kind: 'append-response',
    term: node.status.term,
    readRound: 0,
    appliedIndex: logIndex(0),
    result: { kind: 'conflict', previousIndex: logIndex(11), conflict: id(2, 4) },
  });

  expect(node.takeEffectsOf('send-snapshot')).toMatchObject([{ to: 'n3', coversAtLeast: 10 }]);
  expect(node.takeSentOf('install-snapshot')).toMatchObject([
    { meta: { last: { term: 3, index: 10 } } },
  ]);
  node.tick(config.heartbeatTicks);
  const heartbeats = node.takeSent().filter(({ to }) => to === 'n3');
  expect(heartbeats).toMatchObject([
    { message: { kind: 'append-request', previous: { term: 3, index: 10 }, entries: [] } },
  ]);
});

test('§5.2 an offer is repeated after an election timeout, and not before', () => {
  const node = new LoneNode({ behind: id(3, 10), terms: [3] });
  node.leadReady();
  const conflict = {
    kind: 'append-response',
    term: node.status.term,
    readRound: 0,
    appliedIndex: logIndex(0),
    result: { kind: 'conflict', previousIndex: logIndex(11), conflict: id(2, 4) },
  } as const;
  node.receive('n3', conflict);
  node.takeEffectsOf('send-snapshot');

  for (let ticks = 1; ticks < config.electionTicksMin; ticks += 1) {
    node.tick();
    node.receive('n3', conflict);
    node.acknowledge('n2', node.status.lastIndex);
  }
  expect(node.takeEffectsOf('send-snapshot')).toEqual([]);
  node.tick(config.heartbeatTicks);
  expect(node.takeEffectsOf('send-snapshot')).toHaveLength(1);
});

test('§5.2 behind its snapshot a follower is replicated to as any other', () => {
  const node = new LoneNode({ behind: id(3, 10), terms: [3] });
  node.leadReady();
  node.receive('n3', {
    kind: 'append-response',
    term: node.status.term,
    readRound: 0,
    appliedIndex: logIndex(0),
    result: { kind: 'conflict', previousIndex: logIndex(11), conflict: id(2, 4) },
  });
  node.takeSent();

  node.acknowledge('n3', 4);
  expect(node.takeSentOf('append-request')).toEqual([]);
  node.acknowledge('n3', 10);

  expect(node.takeSentOf('append-request')).toMatchObject([
    { previous: { index: 10 }, entries: [{ index: 11 }, { index: 12 }] },
  ]);
});

test('§5.3 figure 5.3, 1: a snapshot of an older term is answered with the current one', () => {
  const node = follower({ terms: [1] });

  offer(node, id(3, 9), { term: 4 });

  expect(node.fetched).toBeNull();
  expect(node.takeSentOf('append-response')).toMatchObject([{ term: 5 }]);
});

test('§5.3 figure 5.3: an offer is word of a leader, and an impossible one is refused', () => {
  const node = follower({ terms: [1] });
  node.tick(config.electionTicksMin - 1);

  offer(node, id(3, 9));
  node.tick(config.electionTicksMin - 1);
  offer(node, id(6, 9));

  expect(node.status).toMatchObject({ role: 'follower', leaderId: 'n2', refusedMessages: 1 });
});

test('§5.3 figure 5.3, 6: a log that has what the snapshot covers is kept, and that is committed', () => {
  const node = follower({ terms: [1, 2, 3, 4], commit: 1 });

  offer(node, id(3, 3));
  node.persist();

  expect(node.fetched).toBeNull();
  expect(node.terms).toEqual([1, 2, 3, 4]);
  expect(node.status.commitIndex).toBe(3);
  expect(node.takeSentOf('append-response')).toMatchObject([
    { result: { kind: 'matched', matchIndex: 3 } },
  ]);
});

test('§5.3 figure 5.3, 7: any other log is discarded, uncommitted entries behind the snapshot as well', () => {
  const node = follower({ terms: [1, 2, 2, 2], commit: 1 });

  offer(node, id(3, 3));
  expect(node.fetched).toEqual(meta(id(3, 3)));
  node.endFetch(true);

  expect(node.status).toMatchObject({
    firstIndex: 4,
    lastIndex: 3,
    commitIndex: 3,
    appliedIndex: 3,
  });
  expect(node.takeEffectsOf('persist')).toMatchObject([
    { truncateFrom: 4, snapshot: { last: { term: 3, index: 3 } }, entries: [] },
  ]);
});

test('§5.3 a snapshot past the end of the log takes its place, and the log goes on behind it', () => {
  const node = follower({ terms: [1] });
  offer(node, id(4, 90));
  node.endFetch(true);
  node.persist();
  node.takeSent();

  node.receiveAppend('n2', { term: 5, previous: id(4, 90), entries: entriesOf([5], 91) });
  node.persist();
  node.restart();

  expect(node.status).toMatchObject({ firstIndex: 91, lastIndex: 91, commitIndex: 90 });
});

test('§5.3 the state is in place before the log goes, and the answer comes after both are durable (I8)', () => {
  const node = follower({ terms: [1, 2], commit: 1 });
  offer(node, id(4, 9));
  expect(node.takeEffectsOf('persist')).toEqual([]);

  node.endFetch(true);
  expect(node.takeEffectsOf('persist')).toHaveLength(1);
  expect(node.takeSentOf('append-response')).toEqual([]);
  node.persist();

  expect(node.takeSentOf('append-response')).toMatchObject([
    { result: { kind: 'matched', matchIndex: 9 } },
  ]);
});

test('§5.3 until a snapshot is durable, a heartbeat is told no more than what is', () => {
  const node = follower({ terms: [1, 2, 2], commit: 1 });
  offer(node, id(4, 9));
  node.endFetch(true);

  node.receiveAppend('n2', { term: 5, previous: id(4, 9) });

  expect(node.takeSentOf('append-response')).toMatchObject([
    { result: { kind: 'matched', matchIndex: 1 } },
  ]);
});

test('§5.3 a stale snapshot changes nothing, however it comes (I6, I12)', () => {
  const node = follower({ behind: id(3, 10), terms: [3, 3] });

  offer(node, id(1, 4));
  offer(node, id(3, 10));
  offer(node, id(3, 12));
  node.step({ kind: 'snapshot-installed', meta: meta(id(1, 4)) });
  node.step({ kind: 'snapshot-failed', meta: meta(id(1, 4)) });

  expect(node.fetched).toBeNull();
  expect(node.status).toMatchObject({ firstIndex: 11, lastIndex: 12, commitIndex: 12 });
  expect(node.takeEffectsOf('persist')).toEqual([]);
});

test('§5.3 one snapshot is fetched at a time; after a failure the next offer is taken', () => {
  const node = follower({ terms: [1] });
  offer(node, id(4, 9));
  offer(node, id(4, 9));
  offer(node, id(4, 12));
  expect(node.takeEffectsOf('fetch-snapshot')).toHaveLength(1);
  expect(node.status.installingIndex).toBe(9);

  node.endFetch(false);
  expect(node.status.installingIndex).toBeNull();
  offer(node, id(4, 12));

  expect(node.fetched).toEqual(meta(id(4, 12)));
});

test('§5.3 a snapshot that arrives in a later term, without a leader, is as good', () => {
  const node = follower({ terms: [1] });
  offer(node, id(4, 9));
  node.campaign();

  node.endFetch(true);

  expect(node.status).toMatchObject({ role: 'follower', lastIndex: 9, commitIndex: 9 });
});

test('§5.3 a leader commits by counting alone, whatever snapshot arrives late (§3.6.2, R10)', () => {
  const node = follower({ terms: [1, 1], commit: 1 });
  offer(node, id(1, 3));
  node.receiveAppend('n2', { term: 5, previous: id(1, 2), entries: entriesOf([1], 3) });
  node.persist();
  node.receive('n2', { kind: 'timeout-now', term: term(5) });
  node.persist();
  node.grantVote('n3');

  node.endFetch(true);

  expect(node.status).toMatchObject({ role: 'leader', commitIndex: 1 });
});

test('§5.3 a crash between the state and the log loses neither: the snapshot is offered again', () => {
  const node = follower({ terms: [1, 2], commit: 1 });
  offer(node, id(4, 9));
  node.endFetch(true);

  node.restart();

  expect(node.status).toMatchObject({ firstIndex: 1, lastIndex: 2 });
  offer(node, id(4, 9));
  expect(node.fetched).toEqual(meta(id(4, 9)));
});

test('§5.3 the members of a snapshot are those of the node from then on (§4.1)', () => {
  const node = follower({ terms: [1] });
  const incoming = [{ id: nodeId('n1'), kind: 'voter', address: null, promotion: null }] as const;
  const membership = { index: logIndex(7), membership: { incoming, outgoing: [] } };

  node.receive('n2', {
    kind: 'install-snapshot',
    term: term(5),
    meta: { last: id(4, 9), membership },
  });
  node.endFetch(true);
  node.persist();
  expect(node.status).toMatchObject({ membershipIndex: 7, peers: [] });

  node.restart();
  expect(node.status).toMatchObject({ membershipIndex: 7, peers: [] });
});

test('§6.4 a follower asks its leader for a read index, and answers when it has it', () => {
  const node = follower({ terms: [1] });

  node.step({ kind: 'read-index-of-leader', readId: 8 });
  const [request] = node.takeSentOf('read-index-request');
  expect(request).toMatchObject({ term: 5, readId: 8 });
  const { incarnation = 0 } = request ?? {};
  const answer = { kind: 'read-index-response', term: term(5), readId: 8 } as const;
  node.receive('n2', { ...answer, incarnation: incarnation + 1, index: logIndex(3) });
  node.receive('n3', { ...answer, incarnation, index: logIndex(3) });
  expect(node.takeEffectsOf('read-ready')).toEqual([]);
  node.receive('n2', { ...answer, incarnation, index: logIndex(44) });
  node.receive('n2', { ...answer, incarnation, index: logIndex(45) });

  expect(node.takeEffectsOf('read-ready')).toMatchObject([{ readId: 8, index: 44 }]);
});

test('§6.4 a leader answers a follower only when a round confirmed it, begun after the question', () => {
  const node = new LoneNode();
  node.leadReady();
  const request = { kind: 'read-index-request', readId: 8, incarnation: 6 } as const;

  node.receive('n2', { ...request, term: node.status.term });
  expect(node.takeSentOf('read-index-response')).toEqual([]);
  node.acknowledge('n3', node.status.lastIndex, node.status.readRound);

  expect(node.takeSentOf('read-index-response')).toMatchObject([
    { readId: 8, incarnation: 6, index: node.status.commitIndex },
  ]);
});

test('§6.4 a node that does not lead in the term of the question answers that it cannot', () => {
  const node = follower({ terms: [1] });

  for (const ofTerm of [4, 5]) {
    node.receive('n3', {
      kind: 'read-index-request',
      term: term(ofTerm),
      readId: ofTerm,
      incarnation: 6,
    });
  }

  expect(node.takeSentOf('read-index-response')).toMatchObject([
    { readId: 4, term: 5, index: null },
    { readId: 5, term: 5, index: null },
  ]);
});

test('§6.4 a deposed leader answers nobody’s read with an index (R8)', () => {
  const node = new LoneNode();
  node.leadReady();
  node.receive('n2', {
    kind: 'read-index-request',
    term: node.status.term,
    readId: 8,
    incarnation: 6,
  });
  node.takeSent();

  node.receiveAppend('n3', { term: node.status.term + 1 });
  node.persist();

  expect(node.takeSentOf('read-index-response')).toMatchObject([{ readId: 8, index: null }]);
});

test('§6.4 a question that is lost is rejected after an election timeout', () => {
  const node = follower({ terms: [1] });
  node.step({ kind: 'read-index-of-leader', readId: 8 });

  for (let ticks = 0; ticks <= config.electionTicksMin; ticks += 1) {
    expect(node.takeEffectsOf('read-rejected')).toEqual([]);
    node.tick();
    node.receiveAppend('n2', { term: 5, previous: id(1, 1) });
  }

  expect(node.takeEffectsOf('read-rejected')).toMatchObject([{ readId: 8, leaderId: 'n2' }]);
});

test('§6.4 a read outlives its leader: the next one is asked, or this node if it leads', () => {
  const node = follower({ terms: [1] });
  node.step({ kind: 'read-index-of-leader', readId: 8 });
  node.takeSent();

  node.receiveAppend('n3', { term: 6, previous: id(1, 1) });
  node.persist();
  node.tick();
  expect(
    node.takeSent().filter(({ message }) => message.kind === 'read-index-request'),
  ).toMatchObject([{ to: 'n3', message: { term: 6, readId: 8 } }]);

  node.receive('n3', { kind: 'timeout-now', term: term(6) });
  node.persist();
  node.grantVote('n2');
  node.tick();
  node.persist();
  node.acknowledge('n2', node.status.lastIndex);
  node.acknowledge('n2', node.status.lastIndex, node.status.readRound);
  expect(node.takeEffectsOf('read-ready')).toMatchObject([{ readId: 8 }]);
});
