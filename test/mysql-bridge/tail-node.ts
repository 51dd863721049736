import { silentLogger } from '../../base/logger.ts';
import { formatGtid } from '../../mysql-bridge/binlog/gtid.ts';
import { GtidSet } from '../../mysql-bridge/binlog/gtid-set.ts';
import { BinlogTail, type Dump, type TailRounds } from '../../mysql-bridge/binlog-tail.ts';
import type { DumpListener } from '../../mysql-bridge/dump-client.ts';
import type { TailTimings } from '../../mysql-bridge/latency/commit-timings.ts';
import { term } from '../../raft/core/types.ts';
import type { ProposalReceipt } from '../../raft/raft-api.ts';
import { ArrayRaft } from '../support/array-raft.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { dumpHead, FileBuilder, headEnd, packetOf, piecesOf } from './binlog/stream-builder.ts';

/** An array of entries that says no when told. */
export class RefusingRaft extends ArrayRaft {
  refusal: Error | null = null;

  override propose(payloads: readonly Uint8Array[]): ProposalReceipt {
    if (this.refusal !== null) throw this.refusal;
    return super.propose(payloads);
  }
}

/** A tail with a dump that a test feeds. */
export class TailNode {
  readonly raft: RefusingRaft = new RefusingRaft();
  readonly acks: bigint[] = [];
  readonly errant: string[] = [];
  readonly reused: string[] = [];
  readonly logged: GtidSet = new GtidSet();
  readonly lost: string[] = [];
  /** What its measurer was told, and the acks that had left by then. */
  readonly told: string[] = [];
  /** What whoever takes commits for rounds was told, and the acks that had left by then. */
  readonly rounds: string[] = [];
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
      isLogged: (gtid) => this.logged.has(gtid),
      clock: new FakeClock(),
      logger: silentLogger,
      timings: this.#timings(),
      commitRounds: this.#rounds(),
      openDump: () => Promise.resolve(this.#dump()),
    });
    this.tail.onErrant((gtid) => this.errant.push(formatGtid(gtid)));
    this.tail.onReused((gtid) => this.reused.push(formatGtid(gtid)));
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

  #timings(): TailTimings {
    return {
      begin: () => this.told.push('begin'),
      received: (commitTimestampUs) => {
        this.told.push(`received, written at ${commitTimestampUs}`);
        return 77;
      },
      proposed: ({ lastIndex, receivedAtMs, connectionId, needsAck }) =>
        this.told.push(
          `proposed ${lastIndex} at ${receivedAtMs} for ${connectionId}${needsAck ? '' : ', no ack'}`,
        ),
      acking: (upTo) => this.told.push(`acking ${upTo} after ${this.acks.length} acks`),
    };
  }

  #rounds(): TailRounds {
    return {
      propose: (propose) => {
        this.rounds.push('proposing');
        const receipt = propose();
        this.rounds.push(`proposed ${receipt.firstIndex}`);
        return receipt;
      },
      committed: (index, inTerm) =>
        this.rounds.push(`committed ${index} in ${inTerm} after ${this.acks.length} acks`),
    };
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

export async function attached(): Promise<TailNode> {
  const node = new TailNode();
  await node.tail.attach(new GtidSet());
  for (const event of dumpHead) node.receive(packetOf(event));
  return node;
}

export async function leading(inTerm: number): Promise<TailNode> {
  const node = await attached();
  node.raft.change({ role: 'leader', term: term(inTerm) });
  node.tail.beginProposing(inTerm);
  return node;
}
