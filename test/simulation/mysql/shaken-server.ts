import { crc32 } from '../../../base/crc32.ts';
import { SeededRandom } from '../../../base/random.ts';
import { formatGtid } from '../../../mysql-bridge/binlog/gtid.ts';
import { GtidSet } from '../../../mysql-bridge/binlog/gtid-set.ts';
import type { BinlogPosition } from '../../../mysql-bridge/binlog/position.ts';
import { TransactionAssembler } from '../../../mysql-bridge/binlog/transaction-assembler.ts';
import type { SimMysqlEffect } from './effects.ts';
import type { SimMysqlInput } from './inputs.ts';
import { SimMysqld } from './sim-mysqld.ts';

interface Dumped {
  readonly gtid: string;
  readonly end: BinlogPosition;
  readonly start: number;
}

const writers = 6;
const bridge = 100;

/**
 * A server under luck: its writers insert one row after the other, its replica acks some of what comes, and whatever may happen next
 * happens in an order that the seed draws. What was promised to whom is written down.
 */
export class ShakenServer {
  readonly mysqld: SimMysqld = new SimMysqld({
    serverId: 1,
    serverUuid: 'aaaaaaaa-0000-0000-0000-000000000001',
    binlogBytesMax: 3000,
  });
  readonly random: SeededRandom;
  /** Every effect, in order, as text. */
  readonly trace: string[] = [];
  readonly answered: string[] = [];
  readonly acked: Set<string> = new Set();
  /** Transactions that were seen in the engine before their ack, which must never be. */
  readonly early: string[] = [];
  #waiting: SimMysqlInput[] = [];
  #dumped: Dumped[] = [];
  #ackedCount = 0;
  #assembler = new TransactionAssembler({ hasSemisyncHeader: true });
  #nextKey = 0;
  #keyOf = new Map<number, string>();
  #session = 0;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
  }

  /** Starts it and makes it writable, at once; then the writers begin. */
  start(): void {
    this.#dumped = [];
    this.#ackedCount = 0;
    this.#assembler = new TransactionAssembler({ hasSemisyncHeader: true });
    this.#keyOf = new Map();
    this.#session += bridge + 1;
    this.#now({ kind: 'start' });
    const admin = this.#session;
    this.#now({ kind: 'connect', session: admin, isAdmin: true });
    const statement = { kind: 'set-global', settings: { readOnly: false } } as const;
    this.#now({ kind: 'statement', session: admin, statement });
    const request = { exclude: new GtidSet(), isSemisync: true, replicaUuid: 'bridge' };
    const session = admin + bridge;
    this.#now({ kind: 'connect', session });
    this.#now({ kind: 'dump', session, request });
    if (this.mysqld.disk.engine.hasTable('t')) this.#beginWriting();
    else this.#createTable(admin);
  }

  /** Lets this many things happen. */
  run(steps: number): void {
    for (let step = 0; step < steps; step += 1) {
      if (this.random.below(0, 5) === 0) this.#ackSome();
      const index = this.random.below(0, Math.max(1, this.#waiting.length));
      const [input] = this.#waiting.splice(index, 1);
      if (input !== undefined) this.#step(input);
    }
  }

  /** The process or the machine dies, with as much left of what was not safe as luck has it. */
  crash(): void {
    const { newest } = this.mysqld.disk.binlog;
    const unsynced = (newest?.length ?? 0) - (newest?.syncedLength ?? 0);
    const { unsyncedRecords, unwrittenRecords } = this.mysqld.disk.engine;
    const isPowerCut = this.random.below(0, 2) === 0;
    this.#waiting = [];
    this.#step(
      isPowerCut
        ? {
            kind: 'power-cut',
            binlogBytesKept: this.random.below(0, unsynced + 1),
            redoRecordsKept: this.random.below(0, unsyncedRecords + 1),
          }
        : { kind: 'kill', redoRecordsKept: this.random.below(0, unwrittenRecords + 1) },
    );
  }

  /** Starts it, and lets nothing happen but its recovery. */
  recover(): void {
    for (const effect of this.mysqld.step({ kind: 'start' })) {
      if (effect.kind === 'work') this.mysqld.step({ kind: 'done', id: effect.id });
    }
  }

  /** What the sidecar does after a crash: nothing stays in the binlog that was not acked. */
  cut(): void {
    const first = this.#dumped.find(({ gtid }) => !this.acked.has(gtid));
    const { newest } = this.mysqld.disk.binlog;
    if (newest === null || this.#ackedEnd(newest.name) === null) return;
    const from = first?.end.file === newest.name ? first.start : this.#ackedEnd(newest.name);
    if (from !== null && from < newest.length) this.mysqld.disk.truncateBinlog(newest.name, from);
  }

  rows(): readonly string[] {
    return this.mysqld.disk.engine.scan('t', null).map(([key]) => key);
  }

  /** Behind the last acked transaction of the file, or its head. */
  #ackedEnd(file: string): number | null {
    const last = this.#dumped.findLast(
      ({ gtid, end }) => end.file === file && this.acked.has(gtid),
    );
    if (last !== undefined) return Number(last.end.offset);
    return this.mysqld.disk.binlog.newest?.chunks[0]?.length ?? null;
  }

  #createTable(admin: number): void {
    const statement = { kind: 'create-table', table: 't' } as const;
    this.#now({ kind: 'statement', session: admin, statement });
    this.#ack(this.#dumped.length);
    this.#drain();
    this.#beginWriting();
  }

  #beginWriting(): void {
    for (let writer = 1; writer <= writers; writer += 1) {
      const session = this.#session + writer;
      this.#now({ kind: 'connect', session });
      this.#write(session);
    }
  }

  #write(session: number): void {
    this.#nextKey += 1;
    const key = `k${this.#nextKey}`;
    this.#keyOf.set(session, key);
    const changes = [{ kind: 'insert', key, value: key }] as const;
    const statement = { kind: 'write', table: 't', changes } as const;
    this.#waiting.push({ kind: 'statement', session, statement });
  }

  #ackSome(): void {
    if (this.#dumped.length === this.#ackedCount) return;
    this.#ack(this.random.below(this.#ackedCount, this.#dumped.length) + 1);
  }

  #ack(count: number): void {
    const last = this.#dumped[count - 1];
    if (last === undefined || count <= this.#ackedCount) return;
    for (const { gtid } of this.#dumped.slice(this.#ackedCount, count)) this.acked.add(gtid);
    this.#ackedCount = count;
    this.#waiting.push({ kind: 'ack', session: this.#session + bridge, position: last.end });
  }

  #now(input: SimMysqlInput): void {
    this.#step(input);
    this.#drain();
  }

  #drain(): void {
    for (let input = this.#waiting.shift(); input !== undefined; input = this.#waiting.shift()) {
      this.#step(input);
    }
  }

  #step(input: SimMysqlInput): void {
    for (const effect of this.mysqld.step(input)) {
      this.trace.push(lineOf(effect));
      this.#take(effect);
    }
  }

  #take(effect: SimMysqlEffect): void {
    if (effect.kind === 'work') this.#waiting.push({ kind: 'done', id: effect.id });
    if (effect.kind === 'events') this.#receive(effect);
    if (effect.kind === 'committed' && effect.by === 'session' && effect.gtid !== null) {
      const gtid = formatGtid(effect.gtid);
      if (!this.acked.has(gtid)) this.early.push(gtid);
    }
    if (effect.kind !== 'answer') return;
    const key = this.#keyOf.get(effect.session);
    if (key === undefined || effect.answer.kind !== 'ok') return;
    this.answered.push(key);
    this.#write(effect.session);
  }

  #receive({ pieces }: Extract<SimMysqlEffect, { kind: 'events' }>): void {
    for (const effect of pieces.flatMap((piece) => this.#assembler.step(piece))) {
      if (effect.kind === 'fault') throw new Error(`the dump is faulty: ${effect.reason}`);
      if (effect.kind !== 'transaction-received') continue;
      const { gtid, end, transactionBytes } = effect;
      const start = Number(end.offset - transactionBytes);
      this.#dumped.push({ gtid: formatGtid(gtid), end, start });
    }
  }
}

/** Short, and different wherever two runs could differ. */
function lineOf(effect: SimMysqlEffect): string {
  switch (effect.kind) {
    case 'work':
      return `${effect.work} ${effect.id} ${effect.bytes}`;
    case 'answer':
      return `answer ${effect.session} ${JSON.stringify(effect.answer)}`;
    case 'events':
      return `events ${effect.pieces.map(({ bytes }) => crc32(bytes)).join(' ')}`;
    case 'committed':
      return `committed ${effect.by} ${effect.gtid?.number}`;
    default:
      return effect.kind;
  }
}
