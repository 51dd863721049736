import { assert } from '../../../base/assert.ts';
import { EventType } from '../../../mysql-bridge/binlog/event-types.ts';
import type { Gtid } from '../../../mysql-bridge/binlog/gtid.ts';
import { GtidSet } from '../../../mysql-bridge/binlog/gtid-set.ts';
import type { PacketPiece } from '../../../mysql-bridge/protocol/packet-piece.ts';
import { eventTypeAt, readGtidAt } from './event-reader.ts';
import type { SimMysqlInput } from './inputs.ts';
import { SimMysqld } from './sim-mysqld.ts';
import type { SimAnswer, SimStatement } from './statements.ts';

/** A committed transaction of the source, as its events. */
export interface UpstreamTransaction {
  readonly gtid: Gtid;
  readonly events: readonly Uint8Array[];
}

const writer = 1;
const dump = 2;

/**
 * The source that a server under test follows: a simulated server of its own, whose binlog becomes the committed transactions. No
 * time passes in it.
 */
export class Upstream {
  readonly serverUuid: string;
  readonly #mysqld: SimMysqld;
  readonly #transactions: UpstreamTransaction[] = [];
  readonly #committed = new GtidSet();
  readonly #pieces: PacketPiece[] = [];
  #answers: SimAnswer[] = [];
  #open: { readonly gtid: Gtid; readonly events: Uint8Array[] } | null = null;

  constructor(options: { readonly serverUuid: string; readonly serverId: number }) {
    this.serverUuid = options.serverUuid;
    this.#mysqld = new SimMysqld(options);
    this.#step({ kind: 'start' });
    this.#step({ kind: 'connect', session: writer });
    this.#step({ kind: 'connect', session: dump });
    const request = { exclude: new GtidSet(), isSemisync: false, replicaUuid: 'dump' };
    this.#step({ kind: 'dump', session: dump, request });
    const settings = { readOnly: false, semisyncEnabled: false };
    this.#step({ kind: 'statement', session: writer, statement: { kind: 'set-global', settings } });
  }

  get transactions(): readonly UpstreamTransaction[] {
    return this.#transactions;
  }

  get committed(): GtidSet {
    return this.#committed;
  }

  /** Of its dump, ROTATE and FORMAT_DESCRIPTION first, without semisync headers. */
  get pieces(): readonly PacketPiece[] {
    return this.#pieces;
  }

  /** Commits it, and answers the transactions that are new by it. */
  commit(statement: SimStatement): readonly UpstreamTransaction[] {
    const before = this.#transactions.length;
    this.#answers = [];
    this.#step({ kind: 'statement', session: writer, statement });
    const [answer] = this.#answers;
    assert(answer?.kind === 'ok', `the source answered ${JSON.stringify(answer)}`);
    return this.#transactions.slice(before);
  }

  #step(first: SimMysqlInput): void {
    const inputs = [first];
    for (let input = inputs.shift(); input !== undefined; input = inputs.shift()) {
      for (const effect of this.#mysqld.step(input)) {
        if (effect.kind === 'work') inputs.push({ kind: 'done', id: effect.id });
        if (effect.kind === 'answer') this.#answers.push(effect.answer);
        if (effect.kind === 'events') this.#take(effect.pieces);
      }
    }
  }

  #take(pieces: readonly PacketPiece[]): void {
    this.#pieces.push(...pieces);
    for (const { bytes, isFirst } of pieces) {
      if (!isFirst) this.#takeEvent(bytes);
    }
  }

  #takeEvent(event: Uint8Array): void {
    const type = eventTypeAt(event);
    if (type === EventType.gtid) {
      this.#close();
      this.#open = { gtid: readGtidAt(event, 0), events: [event] };
    } else {
      this.#open?.events.push(event);
    }
    // Each statement here is one transaction, and its last event is the last of its group of pieces.
    if (this.#open !== null && isLast(this.#open.events)) this.#close();
  }

  #close(): void {
    if (this.#open === null) return;
    this.#transactions.push(this.#open);
    this.#committed.add(this.#open.gtid);
    this.#open = null;
  }
}

/** The GTID event says how many bytes the transaction has. */
function isLast(events: readonly Uint8Array[]): boolean {
  const [gtidEvent] = events;
  const sum = events.reduce((bytes, event) => bytes + event.length, 0);
  return gtidEvent !== undefined && sum >= transactionBytes(gtidEvent);
}

function transactionBytes(gtidEvent: Uint8Array): number {
  const at = 19 + 1 + 16 + 8 + 1 + 8 + 8 + 7;
  const first = gtidEvent[at] ?? 0;
  const second = gtidEvent[at + 1] ?? 0;
  const third = gtidEvent[at + 2] ?? 0;
  if (first < 0xfb) return first;
  if (first === 0xfc) return second + third * 0x100;
  assert(first === 0xfd, 'a transaction of a case has less than 16 MiB');
  return second + third * 0x100 + (gtidEvent[at + 3] ?? 0) * 0x1_0000;
}
