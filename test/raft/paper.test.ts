import { expect, test } from 'vitest';
import { logIndex, nodeId, term } from '../../raft/core/types.ts';
import { config, entriesOf, id, LoneNode } from './lone-node.ts';

// Goal: one test per rule of Ongaro's thesis, "Consensus: Bridging Theory and Practice" (2014), its section in the name.
// Method: n1 alone, the other nodes played by hand.

const everyVote = ['n2', 'n3'];

test('§3.3 a node that sees a later term takes it, durably, and follows', () => {
  const node = new LoneNode();
  node.leadReady();

  node.receive('n2', { kind: 'vote-response', term: term(9), granted: false });

  expect(node.status).toMatchObject({ role: 'follower', term: 9, leaderId: null });
  expect(node.takeEffectsOf('persist')).toMatchObject([{ hardState: { term: 9, votedFor: null } }]);
});

test('§3.3 a request of an older term is refused with the current one', () => {
  const node = new LoneNode({ term: 5 });
  node.tick(config.electionTicksMin);
  const old = term(4);

  node.receive('n2', { kind: 'vote-request', term: old, last: id(4, 9), isTransfer: true });
  node.receive('n3', {
    kind: 'pre-vote-request',
    term: old,
    last: id(4, 9),
    appliedIndex: logIndex(0),
  });
  node.receiveAppend('n2', { term: 4, entries: entriesOf([4]) });

  expect(node.takeSent().map(({ message }) => message)).toMatchObject([
    { kind: 'vote-response', term: 5, granted: false },
    { kind: 'pre-vote-response', term: 5, granted: false },
    { kind: 'append-response', term: 5, result: { kind: 'conflict' } },
  ]);
  expect(node.terms).toEqual([]);
});

test('§3.4 a follower that hears nothing for its election timeout campaigns', () => {
  const node = new LoneNode();

  node.tick(config.electionTicksMax);

  expect(node.status.role).toBe('pre-candidate');
});

test('§3.4 heartbeats keep a follower a follower', () => {
  const node = new LoneNode();
  for (let beats = 0; beats < 20; beats += 1) {
    node.receiveAppend('n2', { term: 1 });
    node.tick(config.electionTicksMin - 1);
  }

  expect(node.status).toMatchObject({ role: 'follower', leaderId: 'n2' });
});

test('§3.4 election timeouts are drawn from the whole range, anew each time', () => {
  const seen = new Set<number>();
  for (let seed = 1; seed <= 400; seed += 1) {
    const node = new LoneNode({ seed });
    let ticks = 0;
    for (; node.status.role === 'follower'; ticks += 1) node.tick();
    seen.add(ticks);
  }

  expect(Math.min(...seen)).toBe(config.electionTicksMin);
  expect(Math.max(...seen)).toBe(config.electionTicksMax - 1);
  expect(seen.size).toBe(config.electionTicksMax - config.electionTicksMin);
});

test('§3.4 a candidate votes for itself in the next term and asks all others', () => {
  const node = new LoneNode({ terms: [1, 1, 3] });
  node.campaign();
  node.grantPreVote('n2');
  node.takeSent();
  node.persist();

  expect(node.takeSent()).toEqual(
    everyVote.map((to) => ({
      to,
      message: { kind: 'vote-request', term: 4, last: id(3, 3), isTransfer: false },
    })),
  );
});

test('§3.4 a majority of all voters elects, however many are silent', () => {
  const node = new LoneNode({ voters: ['n1', 'n2', 'n3', 'n4', 'n5'] });
  node.campaign();
  for (const voter of ['n2', 'n3']) node.grantPreVote(voter);
  node.persist();

  node.grantVote('n2');
  expect(node.status.role).toBe('candidate');
  node.grantVote('n2');
  expect(node.status.role).toBe('candidate');
  node.grantVote('n4');
  expect(node.status.role).toBe('leader');
});

test('§3.4 a candidate that a majority refused follows again', () => {
  const node = new LoneNode();
  node.campaign();
  node.grantPreVote('n2');
  node.persist();

  for (const voter of everyVote) {
    node.receive(voter, { kind: 'vote-response', term: term(1), granted: false });
  }

  expect(node.status).toMatchObject({ role: 'follower', term: 1, leaderId: null });
});

test('§3.4 a candidate that hears a leader of its own term follows it', () => {
  const node = new LoneNode();
  node.campaign();
  node.grantPreVote('n2');

  node.receiveAppend('n3', { term: 1 });

  expect(node.status).toMatchObject({ role: 'follower', term: 1, leaderId: 'n3' });
});

test('§3.4 a split vote ends with a new campaign after another timeout', () => {
  const node = new LoneNode();
  node.campaign();
  node.grantPreVote('n2');
  node.persist();

  node.tick(config.electionTicksMax);

  expect(node.status).toMatchObject({ role: 'pre-candidate', term: 1 });
});

test('§3.4 a node votes once in a term, first come first served, also after a restart (R1)', () => {
  const node = new LoneNode({ term: 1 });
  node.tick(config.electionTicksMin);
  const request = {
    kind: 'vote-request',
    term: term(2),
    last: id(0, 0),
    isTransfer: false,
  } as const;

  node.receive('n2', request);
  node.receive('n3', request);
  node.persist();
  node.restart();
  node.tick(config.electionTicksMin);
  node.receive('n3', request);
  node.receive('n2', request);

  const answers = node.takeSent().map(({ to, message }) => ({ to, ...message }));
  expect(answers).toMatchObject([
    { to: 'n2', granted: true },
    { to: 'n3', granted: false },
    { to: 'n3', granted: false },
    { to: 'n2', granted: true },
  ]);
});

test('§3.4 a leader sends heartbeats at the heartbeat interval', () => {
  const node = new LoneNode();
  node.leadReady();

  node.tick(config.heartbeatTicks);

  const targets = node.takeSent().map(({ to }) => to);
  expect(new Set(targets)).toEqual(new Set(everyVote));
});

test('§3.4 a campaign asks again whoever has not answered, and nobody else', () => {
  const node = new LoneNode();
  node.campaign();
  node.takeSent();
  node.tick(config.heartbeatTicks);
  expect(node.takeSent().map(({ to }) => to)).toEqual(everyVote);

  node.receive('n3', { kind: 'pre-vote-response', term: term(0), granted: false });
  node.tick(config.heartbeatTicks);
  expect(node.takeSent()).toMatchObject([{ to: 'n2', message: { kind: 'pre-vote-request' } }]);

  node.grantPreVote('n2');
  node.persist();
  node.takeSent();
  node.tick(config.heartbeatTicks);
  expect(node.takeSentOf('vote-request')).toMatchObject([{ term: 1 }, { term: 1 }]);
});

test('§3.5 a leader appends a proposal and sends it to all, before its own disk is done', () => {
  const node = new LoneNode();
  node.leadReady(everyVote);

  node.propose('a', 'b');

  expect(node.takeSentOf('append-request')).toMatchObject(
    everyVote.map(() => ({ previous: id(1, 1), entries: [{ index: 2 }, { index: 3 }] })),
  );
  expect(node.status).toMatchObject({ lastIndex: 3, persistedIndex: 1, commitIndex: 1 });
});

test('§3.5 a follower refuses entries whose predecessor it does not hold', () => {
  const node = new LoneNode({ terms: [1, 1] });

  node.receiveAppend('n2', { term: 2, previous: id(2, 2), entries: entriesOf([2], 3) });
  node.receiveAppend('n2', { term: 2, previous: id(1, 3), entries: entriesOf([2], 4) });
  node.persist();

  expect(node.terms).toEqual([1, 1]);
  expect(node.takeSentOf('append-response').map(({ result }) => result)).toEqual([
    { kind: 'conflict', previousIndex: 2, conflict: id(1, 2) },
    { kind: 'conflict', previousIndex: 3, conflict: id(1, 2) },
  ]);
});

test('§3.5 a follower replaces what conflicts with its leader, and all behind it', () => {
  const node = new LoneNode({ terms: [1, 1, 2, 2, 2] });

  node.receiveAppend('n2', { term: 4, previous: id(1, 2), entries: entriesOf([3], 3) });
  node.persist();

  expect(node.terms).toEqual([1, 1, 3]);
  expect(node.takeSentOf('append-response')).toMatchObject([
    { result: { kind: 'matched', matchIndex: 3 } },
  ]);
});

test('§3.5 a follower keeps what it holds behind entries that agree: the message may be old', () => {
  const node = new LoneNode({ terms: [1, 1, 2, 2] });

  node.receiveAppend('n2', { term: 2, previous: id(1, 1), entries: entriesOf([1], 2) });

  expect(node.terms).toEqual([1, 1, 2, 2]);
  expect(node.takeEffectsOf('persist')).toEqual([]);
});

test('§3.5 the follower learns the commit index, but only as far as its log agrees', () => {
  const node = new LoneNode({ terms: [1, 1, 1] });

  node.receiveAppend('n2', { term: 1, previous: id(1, 1), commitIndex: logIndex(3) });
  expect(node.status.commitIndex).toBe(1);
  node.receiveAppend('n2', { term: 1, previous: id(1, 3), commitIndex: logIndex(2) });
  expect(node.status.commitIndex).toBe(2);
  node.receiveAppend('n2', { term: 1, previous: id(1, 3), commitIndex: logIndex(1) });
  expect(node.status.commitIndex).toBe(2);
});

test('§3.5 the leader moves back over a whole term of the follower at once', () => {
  const node = new LoneNode({ terms: [1, 1, 1, 4, 4, 4] });
  node.lead();
  node.takeSent();

  node.receive('n3', {
    kind: 'append-response',
    term: term(5),
    readRound: 0,
    appliedIndex: logIndex(0),
    result: { kind: 'conflict', previousIndex: logIndex(6), conflict: id(3, 5) },
  });

  expect(node.takeSentOf('append-request')).toMatchObject([
    { previous: id(1, 3), entries: [{ index: 4 }, { index: 5 }, { index: 6 }, { index: 7 }] },
  ]);
});

test('§3.6.1 a vote goes only to a log that is at least as up to date', () => {
  const own = [1, 1, 3];
  const cases = [
    { last: id(3, 3), granted: true },
    { last: id(3, 4), granted: true },
    { last: id(4, 1), granted: true },
    { last: id(3, 2), granted: false },
    { last: id(2, 9), granted: false },
    { last: id(0, 0), granted: false },
  ];

  for (const { last, granted } of cases) {
    const node = new LoneNode({ terms: own });
    node.tick(config.electionTicksMin);
    node.receive('n2', {
      kind: 'pre-vote-request',
      term: term(5),
      last,
      appliedIndex: logIndex(0),
    });
    node.receive('n2', { kind: 'vote-request', term: term(5), last, isTransfer: false });
    node.persist();

    expect(node.takeSent().map(({ message }) => message)).toMatchObject([
      { kind: 'pre-vote-response', granted },
      { kind: 'vote-response', granted },
    ]);
  }
});

test('§3.6.2 entries of earlier terms are committed only through one of the own term (R10)', () => {
  const node = new LoneNode({ terms: [2, 2] });
  node.lead();
  node.persist();

  node.acknowledge('n2', 2);
  node.acknowledge('n3', 2);
  expect(node.status.commitIndex).toBe(0);
  node.acknowledge('n2', 3);
  expect(node.status.commitIndex).toBe(3);
});

test('§3.6.2 an acknowledgement of an earlier term of this leader counts for nothing (R13, I12)', () => {
  const node = new LoneNode();
  node.leadReady();
  node.propose('a');
  node.persist();
  node.receiveAppend('n3', { term: 2, previous: id(1, 1), entries: entriesOf([2], 2) });
  node.persist();
  node.lead();
  node.persist();

  node.receive('n2', {
    kind: 'append-response',
    term: term(1),
    readRound: 0,
    appliedIndex: logIndex(0),
    result: { kind: 'matched', matchIndex: logIndex(3) },
  });

  expect(node.status).toMatchObject({ role: 'leader', term: 3, lastIndex: 3, commitIndex: 1 });
});

test('§3.8 term, vote and log are what a restart starts from', () => {
  const node = new LoneNode();
  node.receiveAppend('n2', { term: 3, entries: entriesOf([1, 3]) });
  node.persist();

  node.restart();

  expect(node.terms).toEqual([1, 3]);
  expect(node.status).toMatchObject({ role: 'follower', term: 3, lastIndex: 2, commitIndex: 0 });
});

test('§3.8 an append is acknowledged when it is durable, not before (I8)', () => {
  const node = new LoneNode({ term: 1 });

  node.receiveAppend('n2', { term: 1, entries: entriesOf([1]) });
  expect(node.takeSent()).toEqual([]);
  node.persist();

  expect(node.takeSentOf('append-response')).toMatchObject([
    { result: { kind: 'matched', matchIndex: 1 } },
  ]);
});

test('§3.8 while the term waits for the disk, heartbeats pile up no answers', () => {
  const node = new LoneNode();
  for (let beats = 1; beats <= 50; beats += 1)
    node.receiveAppend('n2', { term: 1, readRound: beats });
  node.persist();
  expect(node.takeSent()).toMatchObject([{ message: { readRound: 1 } }]);

  node.receiveAppend('n2', { term: 1, readRound: 51 });
  expect(node.takeSent()).toMatchObject([{ message: { readRound: 51 } }]);
});

test('§3.8 a node whose disk hangs does not campaign; once the disk is back it does at once (R11)', () => {
  const node = new LoneNode();
  node.receiveAppend('n2', { term: 1, entries: entriesOf([1]) });

  node.tick(10 * config.electionTicksMax);
  expect(node.status.role).toBe('follower');
  node.persist();
  node.tick();

  expect(node.status.role).toBe('pre-candidate');
});

test('§3.10 a leader that hands over refuses proposals and brings the target up first', () => {
  const node = new LoneNode();
  node.leadReady();
  node.propose('a');
  node.takeSent();

  node.step({ kind: 'transfer-leadership', transferId: 1, target: nodeId('n2') });
  node.propose('b');
  expect(node.takeEffectsOf('proposal-rejected')).toMatchObject([{ reason: 'transferring' }]);
  expect(node.takeSent()).toEqual([]);
  node.acknowledge('n2', 2);

  expect(node.takeSent()).toEqual([{ to: 'n2', message: { kind: 'timeout-now', term: 1 } }]);
});

test('§3.10 a hand-over that does not end is given up, and proposals are accepted again', () => {
  const node = new LoneNode();
  node.leadReady();
  node.step({ kind: 'transfer-leadership', transferId: 1, target: nodeId('n2') });

  for (let ticks = 0; ticks < config.transferTicksMax; ticks += 1) {
    node.tick();
    node.acknowledge('n2', 1);
  }
  node.propose('a');

  expect(node.takeEffectsOf('transfer-ended')).toMatchObject([{ outcome: 'aborted' }]);
  expect(node.status).toMatchObject({ role: 'leader', lastIndex: 2, isTransferring: false });
});

test('§3.10 a target campaigns at once, without pre-vote and past the patience of voters', () => {
  const node = new LoneNode();
  node.receiveAppend('n2', { term: 1 });
  node.persist();

  node.receive('n2', { kind: 'timeout-now', term: term(1) });
  node.persist();

  expect(node.status).toMatchObject({ role: 'candidate', term: 2 });
  expect(node.takeSentOf('vote-request')).toMatchObject([
    { isTransfer: true },
    { isTransfer: true },
  ]);
});

test('§3.10 only the leader of the term may tell a node to campaign', () => {
  const node = new LoneNode();
  node.receiveAppend('n2', { term: 2 });

  node.receive('n3', { kind: 'timeout-now', term: term(2) });
  node.receive('n2', { kind: 'timeout-now', term: term(1) });

  expect(node.status).toMatchObject({ role: 'follower', term: 2, leaderId: 'n2' });
});

test('§4.2.3 within the minimum election timeout of a leader neither vote nor term is given', () => {
  const node = new LoneNode();
  node.receiveAppend('n2', { term: 1 });
  node.persist();
  node.takeSent();
  node.tick(config.electionTicksMin - 1);

  node.receive('n3', {
    kind: 'pre-vote-request',
    term: term(9),
    last: id(8, 8),
    appliedIndex: logIndex(0),
  });
  node.receive('n3', { kind: 'vote-request', term: term(9), last: id(8, 8), isTransfer: false });

  expect(node.takeSent()).toEqual([]);
  expect(node.status).toMatchObject({ term: 1, leaderId: 'n2' });
});

test('§4.2.3 a leader is not deposed by a vote request while it hears its quorum (R7)', () => {
  const node = new LoneNode();
  node.leadReady();

  node.receive('n3', { kind: 'vote-request', term: term(9), last: id(8, 8), isTransfer: false });

  expect(node.status).toMatchObject({ role: 'leader', term: 1 });
});

test('§6.2 a leader that hears no majority for an election timeout steps down (R7)', () => {
  const node = new LoneNode({ voters: ['n1', 'n2', 'n3', 'n4', 'n5'] });
  node.leadReady(['n2', 'n3']);
  for (let ticks = 0; ticks < config.electionTicksMax; ticks += 1) {
    node.tick();
    node.acknowledge('n2', 1);
    node.acknowledge('n3', 1);
  }
  expect(node.status.role).toBe('leader');

  for (let ticks = 0; ticks < config.electionTicksMax; ticks += 1) {
    node.tick();
    if (node.status.role === 'leader') node.acknowledge('n2', 1);
  }

  expect(node.status.role).not.toBe('leader');
  expect(node.status.term).toBe(1);
});

test('§6.2 who led and stepped down votes at once: it knows that no leader is left to protect', () => {
  const node = new LoneNode();
  node.leadReady();
  node.step({ kind: 'step-down' });

  node.receive('n2', { kind: 'vote-request', term: term(2), last: id(1, 1), isTransfer: false });

  expect(node.status.term).toBe(2);
  expect(node.takeEffectsOf('persist')).toMatchObject([{ hardState: { votedFor: 'n2' } }]);
});

test('§6.2 who stepped down lets the others campaign first', () => {
  const node = new LoneNode();
  node.leadReady();
  node.step({ kind: 'step-down' });

  node.tick(config.electionTicksMax - 1);
  expect(node.status.role).toBe('follower');
  node.tick();
  expect(node.status.role).toBe('pre-candidate');
});

test('§6.4 a leader appends a no-op first, and serves when it is committed (R8)', () => {
  const node = new LoneNode({ terms: [1] });
  node.lead();
  node.persist();
  node.step({ kind: 'read-index', readId: 1 });
  expect(node.status).toMatchObject({ leaderReadyIndex: null, isTailDecided: false });
  expect(node.takeEffectsOf('read-ready')).toEqual([]);

  node.acknowledge('n2', 2);
  expect(node.status).toMatchObject({ leaderReadyIndex: 2, isTailDecided: true });
  node.acknowledge('n2', 2, node.status.readRound);

  expect(node.takeEffectsOf('read-ready')).toMatchObject([{ readId: 1, index: 2 }]);
});

test('§6.4 a read is answered by a round begun after it, with the commit index of that time', () => {
  const node = new LoneNode();
  node.leadReady();
  node.tick(config.heartbeatTicks);
  const before = node.status.readRound;

  node.step({ kind: 'read-index', readId: 1 });
  node.acknowledge('n2', 1, before);
  expect(node.takeEffectsOf('read-ready')).toEqual([]);
  node.acknowledge('n2', 1, before + 1);

  expect(node.takeEffectsOf('read-ready')).toMatchObject([{ readId: 1, index: 1 }]);
});

test('§6.4 a follower echoes the highest round of its leader and term, and no other', () => {
  const node = new LoneNode();

  node.receiveAppend('n2', { term: 1, readRound: 7 });
  node.receiveAppend('n2', { term: 1, readRound: 5 });
  node.persist();
  node.receiveAppend('n2', { term: 1, readRound: 6 });
  node.receiveAppend('n3', { term: 2, readRound: 1 });
  node.persist();

  expect(node.takeSentOf('append-response').map(({ readRound }) => readRound)).toEqual([7, 7, 1]);
});

test('§6.4 reads are rejected when leadership ends', () => {
  const node = new LoneNode();
  node.leadReady();
  for (const readId of [1, 2]) node.step({ kind: 'read-index', readId });

  node.receiveAppend('n3', { term: 2 });
  node.step({ kind: 'read-index', readId: 3 });

  expect(node.takeEffectsOf('read-rejected')).toMatchObject([
    { readId: 1, leaderId: 'n3' },
    { readId: 2, leaderId: 'n3' },
    { readId: 3, leaderId: 'n3' },
  ]);
});

test('§6.4.1 every heartbeat opens a round, so that a lease is renewed without reads (R9)', () => {
  const node = new LoneNode();
  node.leadReady();

  node.tick(config.heartbeatTicks);
  node.acknowledge('n2', 1, 1);

  expect(node.status).toMatchObject({ readRound: 1, quorumRound: 1, isLeaseSafe: true });
});

test('§6.4.1 no lease rests on a term in which leadership was offered away (R9)', () => {
  const node = new LoneNode();
  node.leadReady();
  node.step({ kind: 'transfer-leadership', transferId: 1, target: nodeId('n2') });
  for (let ticks = 0; ticks < config.transferTicksMax; ticks += 1) {
    node.tick();
    node.acknowledge('n2', 1);
  }

  expect(node.status).toMatchObject({ isTransferring: false, isLeaseSafe: false });
});

test('§6.4.1 a started node gives no vote for the minimum election timeout: it may have promised (R9)', () => {
  const node = new LoneNode({ terms: [1] });
  const request = {
    kind: 'vote-request',
    term: term(5),
    last: id(4, 4),
    isTransfer: false,
  } as const;

  node.tick(config.electionTicksMin - 1);
  node.receive('n2', request);
  expect(node.status.term).toBe(1);
  node.tick();
  node.receive('n2', request);

  expect(node.status.term).toBe(5);
});

test('§9.6 a pre-vote changes neither term nor vote, at either side', () => {
  const node = new LoneNode({ term: 3 });
  node.tick(config.electionTicksMin);
  node.receive('n2', {
    kind: 'pre-vote-request',
    term: term(9),
    last: id(0, 0),
    appliedIndex: logIndex(0),
  });
  node.campaign();

  expect(node.takeSent()[0]?.message).toMatchObject({ kind: 'pre-vote-response', granted: true });
  expect(node.status.term).toBe(3);
  expect(node.takeEffectsOf('persist')).toEqual([]);
});

test('§9.6 no majority of pre-votes, no new term', () => {
  const node = new LoneNode();
  node.campaign();
  for (const voter of everyVote) {
    node.receive(voter, { kind: 'pre-vote-response', term: term(0), granted: false });
  }

  expect(node.status).toMatchObject({ role: 'follower', term: 0 });
});

test('§9.6 who asks from an older term learns the current one, and does not ask for ever (R6)', () => {
  const node = new LoneNode();
  node.campaign();

  node.receive('n2', { kind: 'pre-vote-response', term: term(6), granted: false });

  expect(node.status).toMatchObject({ role: 'follower', term: 6 });
});

test('§10.2.1 the leader counts itself only when its own disk is done', () => {
  const node = new LoneNode();
  node.leadReady();
  node.propose('a');

  node.acknowledge('n2', 2);
  expect(node.status.commitIndex).toBe(1);
  node.persist();
  expect(node.status.commitIndex).toBe(2);
});

test('§10.2.1 a majority without the leader commits before its disk is done', () => {
  const node = new LoneNode();
  node.leadReady();
  node.propose('a');

  node.acknowledge('n2', 2);
  node.acknowledge('n3', 2);

  expect(node.status).toMatchObject({ commitIndex: 2, persistedIndex: 1 });
});

test('§10.2.1 appends are pipelined within the window; what waits goes as one batch', () => {
  const node = new LoneNode({ config: { inflightAppendsMax: 2 } });
  node.leadReady();

  for (const text of ['a', 'b', 'c', 'd', 'e']) node.propose(text);
  const first = node.takeSent().filter(({ to }) => to === 'n2');
  node.acknowledge('n2', 2);

  expect(first).toMatchObject([
    { message: { entries: [{ index: 2 }] } },
    { message: { entries: [{ index: 3 }] } },
  ]);
  expect(node.takeSentOf('append-request')).toMatchObject([
    { previous: id(1, 3), entries: [{ index: 4 }, { index: 5 }, { index: 6 }] },
  ]);
});
