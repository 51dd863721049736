import { expect, test } from 'vitest';
import { GtidSet } from '../../mysql-bridge/binlog/gtid-set.ts';
import { logIndex, term } from '../../raft/core/types.ts';
import { TooManyInFlightError, TransferringError } from '../../raft/errors.ts';
import { packetOf, serverUuid } from './binlog/stream-builder.ts';
import { attached, leading } from './tail-node.ts';

test('a guarding tail neither proposes nor acks, and reports the errant write (H10)', async () => {
  const node = await attached();

  node.commitTransaction(7n);
  node.raft.change({ role: 'leader', term: term(2) });
  node.raft.commit();

  expect(node.errant).toEqual([`${serverUuid}:7`]);
  expect(node.raft.status.lastIndex).toBe(0);
  expect(node.acks).toEqual([]);
});

test('a GTID that the log holds is never proposed a second time: the server’s GTIDs were reset (G6, H10)', async () => {
  const node = await leading(2);
  node.logged.add({ serverUuid, tag: '', number: 7n });

  node.commitTransaction(1n);
  node.commitTransaction(7n);
  node.commitTransaction(8n);
  node.raft.commit();

  expect(node.reused).toEqual([`${serverUuid}:7`]);
  expect(node.raft.status.lastIndex).toBe(1);
  expect(node.acks).toEqual([]);
});

test('nor is one that this tail has proposed already, committed or not', async () => {
  const node = await leading(2);

  node.commitTransaction(1n);
  node.commitTransaction(1n);

  expect(node.reused).toEqual([`${serverUuid}:1`]);
  expect(node.raft.status.lastIndex).toBe(1);
});

test('where the newest transaction ends that came to be proposed is told, acked or not', async () => {
  const node = await leading(2);
  const before = node.tail.receivedEnd;

  node.commitTransaction(1n);
  const end = node.commitTransaction(2n);

  expect(before).toBeNull();
  expect(node.tail.receivedEnd).toEqual({ file: 'binlog.000001', offset: end });
});

test('an ack goes out when the transaction is committed under the tail’s own term, not before (G1)', async () => {
  const node = await leading(2);

  const end = node.commitTransaction(1n);
  const proposed = node.raft.status.lastIndex;
  const early = [...node.acks];
  const waiting = node.tail.unackedCount;
  node.raft.commit();

  expect(proposed).toBe(1);
  expect(early).toEqual([]);
  expect(waiting).toBe(1);
  expect(node.acks).toEqual([end]);
  expect(node.tail.unackedCount).toBe(0);
});

test('what the server executed though no ack covered it is named, for as long as none does (G2, H11)', async () => {
  const node = await leading(2);
  const executed = GtidSet.parse(`${serverUuid}:1-2`);
  node.commitTransaction(1n);
  node.commitTransaction(2n);

  const before = node.tail.passedWithoutAck(executed);
  const none = node.tail.passedWithoutAck(GtidSet.parse(`${serverUuid}:3-9`));
  node.raft.commit();

  expect(before).toEqual({ serverUuid, tag: '', number: 1n });
  expect(none).toBe(null);
  expect(node.acks).toHaveLength(1);
  expect(node.tail.passedWithoutAck(executed)).toBe(null);
});

test('whoever takes commits for quorum rounds hears of one before its ack leaves, and only while this node leads (C8)', async () => {
  const node = await leading(2);
  node.rounds.length = 0;

  node.commitTransaction(1n);
  node.raft.commit();
  expect(node.rounds).toEqual([
    'proposing',
    // The status has changed: there is an entry more.
    'committed 0 in 2 after 0 acks',
    'proposed 1',
    'committed 1 in 2 after 0 acks',
  ]);
  expect(node.acks).toHaveLength(1);

  node.commitTransaction(2n);
  node.rounds.length = 0;
  node.raft.change({ role: 'follower', term: term(3) });
  node.raft.commit();
  expect(node.rounds).toEqual([]);
});

test.for([
  ['deposed', { role: 'follower' as const, term: term(3) }],
  ['leader of another term', { role: 'leader' as const, term: term(4) }],
] as const)(
  'once %s nothing is acked or proposed any more, whatever commits (G7)',
  async ([, change]) => {
    const node = await leading(2);
    node.commitTransaction(1n);

    node.raft.change(change);
    node.raft.commit();
    node.raft.change({ role: 'leader', term: term(2) });
    node.commitTransaction(2n);

    expect(node.acks).toEqual([]);
    expect(node.raft.status.lastIndex).toBe(1);
  },
);

test('after stopAcks a commit that was waiting gets no ack (G7)', async () => {
  const node = await leading(2);
  node.commitTransaction(1n);

  node.tail.stopAcks();
  node.raft.commit();

  expect(node.acks).toEqual([]);
});

test('a tail that has met an errant write proposes no more, whoever leads (H10)', async () => {
  const node = await attached();
  node.commitTransaction(7n);
  node.raft.change({ role: 'leader', term: term(2) });

  const isProposing = node.tail.beginProposing(2);
  node.commitTransaction(8n);

  expect(isProposing).toBe(false);
  expect(node.errant).toEqual([`${serverUuid}:7`]);
  expect(node.raft.status.lastIndex).toBe(0);
});

test('a tail that stops with nothing un-acked guards again, and may propose in a later term', async () => {
  const node = await leading(2);
  node.commitTransaction(1n);
  node.raft.commit();

  node.tail.stopAcks();
  node.raft.change({ term: term(5) });
  node.tail.beginProposing(5);
  const end = node.commitTransaction(2n);
  node.raft.commit();

  expect(node.acks.at(-1)).toBe(end);
  expect(node.errant).toEqual([]);
});

test('while Raft has too much in flight the socket is paused, and nothing is lost or reordered', async () => {
  const node = await leading(2);
  node.raft.refusal = new TooManyInFlightError('full');
  const ends = [1n, 2n, 3n].map((number) => node.commitTransaction(number, 4_000_000));
  const paused = node.isPaused;
  const waiting = node.tail.unackedCount;

  node.raft.refusal = null;
  node.raft.change({ appliedIndex: logIndex(0), isTailDecided: true });
  const resumed = !node.isPaused;
  node.raft.commit();

  expect(paused).toBe(true);
  expect(waiting).toBe(3);
  expect(resumed).toBe(true);
  expect(node.acks).toEqual(ends.slice(-1));
});

test('a leader that cannot propose because it hands over says so: its commits would wait for ever', async () => {
  const node = await leading(2);
  node.raft.refusal = new TransferringError();

  node.commitTransaction(1n);
  node.raft.refusal = null;
  node.raft.commit();

  expect(node.lost).toEqual(['cannot propose: RAFT_TRANSFERRING']);
  expect(node.acks).toEqual([]);
});

test('a stream that is not understood is reported once, and the connection given up', async () => {
  const node = await leading(2);

  node.receive(packetOf(new Uint8Array(40)));
  node.receive(packetOf(new Uint8Array(40)));

  expect(node.lost).toHaveLength(1);
  expect(node.isClosed).toBe(true);
});

test('the end of the dump is reported; a tail that was closed reports nothing', async () => {
  const ended = await leading(2);
  const closed = await leading(2);

  ended.listener?.onEnd(new Error('connection reset'));
  closed.tail.close();
  closed.listener?.onEnd(null);

  expect(ended.lost).toEqual(['connection reset']);
  expect(closed.lost).toEqual([]);
});

test('whoever measures is told of each transaction on its way, and of an ack before it leaves', async () => {
  const node = await leading(2);
  node.commitTransaction(1n);
  node.commitTransaction(2n);
  node.raft.commit(1);
  node.raft.commit(2);
  node.raft.change({ commitIndex: logIndex(2), persistedIndex: logIndex(2) });

  expect(node.told).toEqual([
    'begin',
    'received, written at 1',
    'proposed 1 at 77 for 5',
    'received, written at 1',
    'proposed 2 at 77 for 5',
    'acking 1 after 0 acks',
    'acking 2 after 1 acks',
  ]);
});
