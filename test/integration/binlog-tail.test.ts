import type { Connection, RowDataPacket } from 'mysql2/promise';
import { expect, test } from 'vitest';
import { SystemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/logger.ts';
import {
  decodeEntryPayload,
  type EntryPayloadHeader,
} from '../../mysql-bridge/binlog/entry-payload.ts';
import { formatGtid } from '../../mysql-bridge/binlog/gtid.ts';
import { GtidSet } from '../../mysql-bridge/binlog/gtid-set.ts';
import { BinlogTail } from '../../mysql-bridge/binlog-tail.ts';
import { type LogIndex, logIndex, term } from '../../raft/core/types.ts';
import { TooManyInFlightError } from '../../raft/errors.ts';
import type { Raft, RaftStatus } from '../../raft/raft-api.ts';
import { ArrayRaft } from '../support/array-raft.ts';
import { collectGarbage } from '../support/live-memory.ts';
import { startTestMySql, type TestMySql } from '../support/mysql-server.ts';

// The tail on a real mysqld, in front of a log without consensus. HAZARDS G1, G2, G7, G9, H10, H14, H19.

const clock = new SystemClock();
const leaderTerm = 3;
const mebibyte = 1024 * 1024;

test('a commit waits, unseen by others, until its entry is committed; KILL does not let it through (G1, G2)', async () => {
  const raft = new ArrayRaft();
  await using node = await primary(raft);
  await node.prepareTable('id INT PRIMARY KEY');
  const [writer, reader] = [await node.connect(), await node.connect()];
  const before = raft.status.lastIndex;

  const insert = watch(writer.query('INSERT INTO d.t VALUES (1)'));
  await until(() => raft.status.lastIndex > before);
  await reader.query(`KILL QUERY ${writer.threadId}`);
  const seenAfterQueryKill = await node.ids(reader);
  const settledAfterQueryKill = insert.isSettled;
  // The client loses its connection at once, and must not hear OK; the session itself waits on.
  await reader.query(`KILL CONNECTION ${writer.threadId}`);
  await until(() => insert.isSettled);
  const seenAfterKill = await node.ids(reader);
  raft.commit();
  await until(async () => (await node.ids(reader)).length > 0);

  expect(seenAfterQueryKill).toEqual([]);
  expect(settledAfterQueryKill).toBe(false);
  expect(insert.error).toMatchObject({ code: 'PROTOCOL_CONNECTION_LOST' });
  expect(seenAfterKill).toEqual([]);
  expect(await node.ids(reader)).toEqual([1]);
  expect(await node.status('Rpl_semi_sync_source_no_tx')).toBe('0');
});

test('a thousand inserts of eight clients become one entry each, in the order of their GTIDs (G6)', async () => {
  const raft = new CommittingRaft();
  await using node = await primary(raft);
  await node.prepareTable('id INT AUTO_INCREMENT PRIMARY KEY');
  const before = raft.transactions.length;

  const clients = await Promise.all(Array.from({ length: 8 }, () => node.connect()));
  await Promise.all(
    clients.map(async (client) => {
      for (let count = 0; count < 125; count += 1) await client.query('INSERT INTO d.t VALUES ()');
    }),
  );

  const numbers = raft.transactions.slice(before).map(({ gtid }) => gtid.number);
  expect(numbers).toHaveLength(1000);
  expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0n) + BigInt(index)));
  expect(await node.status('Rpl_semi_sync_source_no_tx')).toBe('0');
  expect(node.tail.unackedCount).toBe(0);
});

test('a row of 20 MiB and a transaction of 64 MiB pass in fragments, in bounded memory (G9, H19)', async () => {
  // A log that takes little at a time: the tail has to hold the server back instead of what it sends.
  const raft = new CommittingRaft({ inFlightMax: 2, commitDelayMs: 20 });
  await using node = await primary(raft);
  await node.prepareTable('id INT AUTO_INCREMENT PRIMARY KEY, v LONGBLOB');
  const writer = await node.connect();
  const memoryBefore = heldArrayBuffers();

  await writer.query(`INSERT INTO d.t (v) VALUES (REPEAT('r', ${20 * mebibyte}))`);
  await writer.query(
    `INSERT INTO d.t (v) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 64)
     SELECT REPEAT('s', ${mebibyte}) FROM n`,
  );

  const [row, rows] = raft.transactions.slice(-2);
  expect(row?.eventBytes).toBe(Number(row?.transactionBytes));
  expect(row?.eventBytes).toBeGreaterThan(20 * mebibyte);
  expect(rows?.eventBytes).toBe(Number(rows?.transactionBytes));
  expect(rows?.eventBytes).toBeGreaterThan(64 * mebibyte);
  expect(raft.refusals).toBeGreaterThan(0);
  const heldMiB = (raft.arrayBuffersPeak - memoryBefore) / mebibyte;
  expect(heldMiB).toBeLessThan(32);
});

test('when leadership ends with commits waiting they are never let through, whatever commits later (G7)', async () => {
  const raft = new ArrayRaft();
  await using node = await primary(raft);
  await node.prepareTable('id INT PRIMARY KEY');
  const [writer, reader] = [await node.connect(), await node.connect()];
  const before = raft.status.lastIndex;
  const acked = await node.status('Rpl_semi_sync_source_yes_tx');

  const insert = watch(writer.query('INSERT INTO d.t VALUES (1)'));
  await until(() => raft.status.lastIndex > before);
  raft.change({ role: 'follower', term: term(leaderTerm + 1) });
  raft.commit();
  raft.change({ role: 'leader', term: term(leaderTerm) });
  // An ack would have left within those calls; this is many times what the server takes to act on one.
  await clock.delay(500);

  expect(insert.isSettled).toBe(false);
  expect(await node.ids(reader)).toEqual([]);
  expect(await node.status('Rpl_semi_sync_source_yes_tx')).toBe(acked);
});

test('a guarding tail holds back a write on a server whose read-only setting somebody lifted (H10)', async () => {
  await using node = await attached(new ArrayRaft());
  const [writer, reader] = [await node.connect(), await node.connect()];
  await writer.query('SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF');

  const write = watch(writer.query('CREATE DATABASE errant'));
  await until(() => node.errant.length > 0);

  expect(node.errant).toHaveLength(1);
  expect(write.isSettled).toBe(false);
  expect(node.raft.status.lastIndex).toBe(0);
  expect(await executed(reader)).not.toContain(node.errant[0]);
});

test('when the dump is killed the waiting commit stays so, and arrives again at the next tail', async () => {
  const raft = new ArrayRaft();
  await using node = await primary(raft);
  await node.prepareTable('id INT PRIMARY KEY');
  const [writer, reader] = [await node.connect(), await node.connect()];
  const before = raft.status.lastIndex;
  const insert = watch(writer.query('INSERT INTO d.t VALUES (1)'));
  await until(() => raft.status.lastIndex > before);

  const [dumps] = await reader.query<RowDataPacket[]>(
    "SELECT id FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%'",
  );
  await reader.query(`KILL ${dumps[0]?.['id'] ?? dumps[0]?.['ID']}`);
  await until(() => node.lost.length > 0);
  raft.commit();
  const settledWithoutTail = insert.isSettled;
  const next = newTail(node.mysql, raft);
  await next.tail.attach(GtidSet.parse(await executed(reader)));
  next.tail.beginProposing(leaderTerm);
  await until(() => raft.status.lastIndex > before + 1);
  raft.commit();
  await until(() => insert.isSettled);
  next.tail.close();

  expect(node.lost).toHaveLength(1);
  expect(settledWithoutTail).toBe(false);
  expect(insert.error).toBeNull();
  expect(await node.ids(reader)).toEqual([1]);
});

interface Watched {
  readonly isSettled: boolean;
  readonly error: Error | null;
}

/** Whether a statement came back, without waiting for it. */
function watch(promise: Promise<unknown>): Watched {
  const watched: { isSettled: boolean; error: Error | null } = { isSettled: false, error: null };
  promise.then(
    () => {
      watched.isSettled = true;
    },
    (error: Error) => {
      watched.isSettled = true;
      watched.error = error;
    },
  );
  return watched;
}

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await condition())) await clock.delay(10);
}

async function executed(connection: Connection): Promise<string> {
  const [rows] = await connection.query<RowDataPacket[]>('SELECT @@GLOBAL.gtid_executed AS e');
  return String(rows[0]?.['e']).replaceAll('\n', '');
}

interface ProposedTransaction extends EntryPayloadHeader {
  /** Bytes of events over all its fragments. */
  readonly eventBytes: number;
}

/** Bytes of buffers that something still refers to. */
function heldArrayBuffers(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

/** A log that keeps no payload, commits by itself, and takes a limited number of entries at a time. */
class CommittingRaft implements Pick<Raft, 'propose' | 'onChange' | 'status'> {
  readonly transactions: ProposedTransaction[] = [];
  readonly #inFlightMax: number;
  readonly #commitDelayMs: number;
  readonly #listeners = new Set<(status: RaftStatus) => void>();
  #status: RaftStatus = new ArrayRaft().status;
  #openBytes = 0;
  #proposals = 0;
  refusals = 0;
  arrayBuffersPeak = 0;

  constructor(options: { readonly inFlightMax?: number; readonly commitDelayMs?: number } = {}) {
    this.#inFlightMax = options.inFlightMax ?? Number.MAX_SAFE_INTEGER;
    this.#commitDelayMs = options.commitDelayMs ?? 0;
  }

  get status(): RaftStatus {
    return this.#status;
  }

  change(fields: Partial<RaftStatus>): void {
    this.#status = { ...this.#status, ...fields };
    for (const listener of this.#listeners) listener(this.#status);
  }

  propose(payloads: readonly Uint8Array[]): ReturnType<Raft['propose']> {
    this.#proposals += 1;
    if (this.#proposals % 8 === 0) {
      this.arrayBuffersPeak = Math.max(this.arrayBuffersPeak, heldArrayBuffers());
    }
    const { lastIndex, commitIndex } = this.#status;
    if (lastIndex > commitIndex && lastIndex - commitIndex + payloads.length > this.#inFlightMax) {
      this.refusals += 1;
      throw new TooManyInFlightError(`${lastIndex - commitIndex} entries in flight`);
    }
    for (const payload of payloads) this.#take(payload);
    const last: LogIndex = logIndex(lastIndex + payloads.length);
    this.#status = { ...this.#status, lastIndex: last };
    setTimeout(() => this.change({ commitIndex: last }), this.#commitDelayMs);
    const receiptTerm = this.#status.term;
    return { term: receiptTerm, firstIndex: logIndex(lastIndex + 1), count: payloads.length };
  }

  onChange(listener: (status: RaftStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #take(encoded: Uint8Array): void {
    const { events, ...header } = decodeEntryPayload(encoded);
    this.#openBytes += events.length;
    if (!header.isFinal) return;
    this.transactions.push({ ...header, eventBytes: this.#openBytes });
    this.#openBytes = 0;
  }
}

type TestRaft = (ArrayRaft | CommittingRaft) & { change(fields: Partial<RaftStatus>): void };

function newTail(
  mysql: TestMySql,
  raft: TestRaft,
): { readonly tail: BinlogTail; readonly lost: string[]; readonly errant: string[] } {
  const tail = new BinlogTail({
    isLogged: () => false,
    socketPath: mysql.server.socketPath,
    account: mysql.account,
    serverId: 9001,
    replicaUuid: 'aaaaaaaa-0000-0000-0000-000000000001',
    raft,
    clock,
    logger: silentLogger,
  });
  const lost: string[] = [];
  const errant: string[] = [];
  tail.onLost((reason) => lost.push(reason));
  tail.onErrant((gtid) => errant.push(formatGtid(gtid)));
  return { tail, lost, errant };
}

/** A server with a tail on it. */
class TailedServer<Log extends TestRaft> implements AsyncDisposable {
  readonly mysql: TestMySql;
  readonly raft: Log;
  readonly tail: BinlogTail;
  readonly lost: readonly string[];
  readonly errant: readonly string[];

  constructor(mysql: TestMySql, raft: Log) {
    this.mysql = mysql;
    this.raft = raft;
    const { tail, lost, errant } = newTail(mysql, raft);
    this.tail = tail;
    this.lost = lost;
    this.errant = errant;
  }

  connect(): Promise<Connection> {
    return this.mysql.connect();
  }

  async prepareTable(columns: string): Promise<void> {
    const connection = await this.connect();
    const created = connection.query(`CREATE DATABASE d; CREATE TABLE d.t (${columns})`);
    const { isSettled } = watch(created);
    if (this.raft instanceof ArrayRaft && !isSettled) await this.#commitUntil(created);
    await created;
  }

  async ids(connection: Connection): Promise<number[]> {
    const [rows] = await connection.query<RowDataPacket[]>('SELECT id FROM d.t ORDER BY id');
    return rows.map((row) => Number(row['id']));
  }

  async status(name: string): Promise<string> {
    const connection = await this.connect();
    const [rows] = await connection.query<RowDataPacket[]>(`SHOW GLOBAL STATUS LIKE '${name}'`);
    return String(rows[0]?.['Value']);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.tail.close();
    await this.mysql[Symbol.asyncDispose]();
  }

  async #commitUntil(done: Promise<unknown>): Promise<void> {
    const statement = watch(done);
    await until(() => {
      if (this.raft instanceof ArrayRaft) this.raft.commit();
      return statement.isSettled;
    });
  }
}

async function attached<Log extends TestRaft>(raft: Log): Promise<TailedServer<Log>> {
  const node = new TailedServer(await startTestMySql(), raft);
  const connection = await node.connect();
  await node.tail.attach(GtidSet.parse(await executed(connection)));
  return node;
}

/** A writable server whose commits wait for the log. */
async function primary<Log extends TestRaft>(raft: Log): Promise<TailedServer<Log>> {
  const node = await attached(raft);
  raft.change({ role: 'leader', term: term(leaderTerm) });
  node.tail.beginProposing(leaderTerm);
  const connection = await node.connect();
  await connection.query('SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF');
  return node;
}
