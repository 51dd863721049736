import { expect, test } from 'vitest';
import { silentLogger } from '../../base/logger.ts';
import { formatGtid } from '../../mysql-bridge/binlog/gtid.ts';
import { GtidSet } from '../../mysql-bridge/binlog/gtid-set.ts';
import { BinlogTail, type Dump } from '../../mysql-bridge/binlog-tail.ts';
import type { DumpListener } from '../../mysql-bridge/dump-client.ts';
import { logIndex, term } from '../../raft/core/types.ts';
import { TooManyInFlightError, TransferringError } from '../../raft/errors.ts';
import type { ProposalReceipt } from '../../raft/raft-api.ts';
import { ArrayRaft } from '../support/array-raft.ts';
import { FakeClock } from '../support/fake-clock.ts';
import {
  dumpHead,
  FileBuilder,
  headEnd,
  packetOf,
  piecesOf,
  serverUuid,
} from './binlog/stream-builder.ts';

test('a guarding tail neither proposes nor acks, and reports the errant write (H10)', async () => {
  const node = await attached();

  node.commitTransaction(7n);
  node.raft.change({ role: 'leader', term: term(2) });
  node.raft.commit();

  expect(node.errant).toEqual([`${serverUuid}:7`]);
  expect(node.raft.status.lastIndex).toBe(0);
  expect(node.acks).toEqual([]);
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

/** An array of entries that says no when told. */
class RefusingRaft extends ArrayRaft {
  refusal: Error | null = null;

  override propose(payloads: readonly Uint8Array[]): ProposalReceipt {
    if (this.refusal !== null) throw this.refusal;
    return super.propose(payloads);
  }
}

/** A tail with a dump that a test feeds. */
class TailNode {
  readonly raft: RefusingRaft = new RefusingRaft();
  readonly acks: bigint[] = [];
  readonly errant: string[] = [];
  readonly lost: string[] = [];
  isPaused = false;
  isClosed = false;
  listener: DumpListener | null = null;
  readonly tail: BinlogTail;
  #offset = headEnd;

  constructor() {
    this.tail = new BinlogTail({
      socketPath: '/nowhere',
      account: { user: 'binraft', password: '' },
      serverId: 99,
      replicaUuid: '00000000-0000-0000-0000-000000000001',
      raft: this.raft,
      clock: new FakeClock(),
      logger: silentLogger,
      openDump: () => Promise.resolve(this.#dump()),
    });
    this.tail.onErrant((gtid) => this.errant.push(formatGtid(gtid)));
    this.tail.onLost((reason) => this.lost.push(reason));
  }

  receive(packet: Uint8Array): void {
    this.listener?.onPieces(piecesOf(packet, () => Number.MAX_SAFE_INTEGER));
  }

  /** The server commits: its events arrive, the last one asks for an ack. Answers the position behind them. */
  commitTransaction(number: bigint, rowBytes = 10): bigint {
    const file = new FileBuilder(this.#offset).transaction(number, [rowBytes]);
    file.events.forEach((event, index) => {
      this.receive(packetOf(event, index === file.events.length - 1));
    });
    this.#offset = file.offset;
    return file.offset;
  }

  #dump(): Dump {
    const node = this;
    return {
      get isPaused() {
        return node.isPaused;
      },
      pause: () => {
        this.isPaused = true;
      },
      resume: () => {
        this.isPaused = false;
      },
      start: (_exclude, listener) => {
        this.listener = listener;
      },
      sendAck: ({ offset }) => {
        this.acks.push(offset);
      },
      close: () => {
        this.isClosed = true;
        return Promise.resolve();
      },
    };
  }
}

async function attached(): Promise<TailNode> {
  const node = new TailNode();
  await node.tail.attach(new GtidSet());
  for (const event of dumpHead) node.receive(packetOf(event));
  return node;
}

async function leading(inTerm: number): Promise<TailNode> {
  const node = await attached();
  node.raft.change({ role: 'leader', term: term(inTerm) });
  node.tail.beginProposing(inTerm);
  return node;
}
