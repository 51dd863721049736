import { randomUUID } from 'node:crypto';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SystemClock } from '../../base/clock.ts';
import { deferred } from '../../base/deferred.ts';
import type {
  AssemblerEffect,
  TransactionReceivedEffect,
} from '../../mysql-bridge/binlog/assembler-effects.ts';
import type { EntryPayload } from '../../mysql-bridge/binlog/entry-payload.ts';
import { formatGtid, type Gtid } from '../../mysql-bridge/binlog/gtid.ts';
import { GtidSet } from '../../mysql-bridge/binlog/gtid-set.ts';
import { PayloadReader } from '../../mysql-bridge/binlog/payload-reader.ts';
import { TransactionAssembler } from '../../mysql-bridge/binlog/transaction-assembler.ts';
import type { LoggedContent, LoggedContents } from '../../mysql-bridge/binlog-comparison.ts';
import { type CutOutcome, cutBinlog } from '../../mysql-bridge/binlog-cut.ts';
import { DumpClient } from '../../mysql-bridge/dump-client.ts';
import { startTestMySql, type TestMySql } from '../support/mysql-server.ts';

// A real mysqld whose only semisync replica is this test: it acks what counts as committed, and withholds the ack of one
// statement, which therefore waits when mysqld is killed. Then the binlog is cut, mysqld recovers, and exactly that
// statement must be gone (HAZARDS H3, H5, G2, G3).

/** What replicas received under each GTID, as the log would hold it: the cut compares the file with it. */
class Received implements LoggedContents {
  readonly #events = new Map<string, Uint8Array[]>();

  add({ gtid, fragment, events }: EntryPayload): void {
    const name = formatGtid(gtid);
    // After a cut the server gives a GTID out again: the later transaction is the one that counts.
    const pieces = fragment === 0 ? [] : (this.#events.get(name) ?? []);
    this.#events.set(name, [...pieces, events]);
  }

  find(gtid: Gtid): Promise<LoggedContent> {
    const events = this.#events.get(formatGtid(gtid));
    if (events === undefined) throw new Error(`${formatGtid(gtid)} was never received`);
    return Promise.resolve({ kind: 'found', events });
  }
}

/** The semisync replica: assembles what comes, acks while `isAcking`. */
class Replica implements AsyncDisposable {
  readonly received: TransactionReceivedEffect[] = [];
  readonly faults: AssemblerEffect[] = [];
  readonly acked = new GtidSet();
  isAcking = true;
  readonly #log: Received;
  payloads = 0;
  largestPayload = 0;
  readonly #client: DumpClient;
  readonly #assembler = new TransactionAssembler({ hasSemisyncHeader: true });
  readonly #reader = new PayloadReader();
  readonly #waiters = new Set<() => void>();

  private constructor(client: DumpClient, log: Received) {
    this.#client = client;
    this.#log = log;
  }

  static async attach(mysql: TestMySql, log: Received = new Received()): Promise<Replica> {
    const client = await DumpClient.open({
      endpoint: { kind: 'unix', path: mysql.server.socketPath },
      account: mysql.account,
      serverId: 4_000_000,
      replicaUuid: randomUUID(),
      heartbeatPeriodMs: 1_000,
      isSemisync: true,
      loginTimeoutMs: 60_000,
      clock: new SystemClock(),
    });
    const executed = GtidSet.parse(await client.executedGtids());
    const replica = new Replica(client, log);
    client.start(executed.encode(), {
      onPieces: (pieces) => {
        for (const piece of pieces) {
          for (const effect of replica.#assembler.step(piece)) replica.#take(effect);
        }
      },
      onEnd: () => undefined,
    });
    return replica;
  }

  /** Settles with the next transaction that is received and not acked. */
  async unacked(): Promise<TransactionReceivedEffect> {
    for (;;) {
      const waiting = this.received.find(({ gtid, needsAck }) => needsAck && !this.acked.has(gtid));
      if (waiting !== undefined) return waiting;
      const { promise, resolve } = deferred();
      this.#waiters.add(resolve);
      await promise;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
  }

  #take(effect: AssemblerEffect): void {
    if (effect.kind === 'fault') this.faults.push(effect);
    if (effect.kind === 'payload') {
      this.payloads += 1;
      this.largestPayload = Math.max(this.largestPayload, effect.payload.events.length);
      for (const _slice of this.#reader.read(effect.payload));
      this.#log.add(effect.payload);
    }
    if (effect.kind !== 'transaction-received') return;
    this.received.push(effect);
    if (this.isAcking) {
      this.acked.add(effect.gtid);
      this.#client.sendAck(effect.end);
    }
    for (const wake of this.#waiters) wake();
    this.#waiters.clear();
  }
}

describe('a mysqld killed while a statement waits for its ack', () => {
  let mysql: TestMySql;
  const acked = new GtidSet();

  beforeAll(async () => {
    mysql = await startTestMySql();
  });
  afterAll(async () => {
    await mysql[Symbol.asyncDispose]();
  });

  test.each<[string, string, string, string]>([
    [
      'INSERT',
      'CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY); INSERT INTO shop.t VALUES (1)',
      'INSERT INTO shop.t VALUES (2)',
      'SELECT id AS found FROM shop.t WHERE id = 2',
    ],
    [
      'CREATE TABLE',
      'CREATE TABLE shop.kept (id INT PRIMARY KEY)',
      'CREATE TABLE shop.gone (id INT PRIMARY KEY)',
      "SELECT table_name AS found FROM information_schema.tables WHERE table_name = 'gone'",
    ],
    [
      'ALTER TABLE',
      'ALTER TABLE shop.kept ADD COLUMN kept INT',
      'ALTER TABLE shop.kept ADD COLUMN gone INT',
      "SELECT column_name AS found FROM information_schema.columns WHERE column_name = 'gone'",
    ],
    [
      'CREATE USER',
      "CREATE USER kept IDENTIFIED BY 'only-for-tests'",
      "CREATE USER gone IDENTIFIED BY 'only-for-tests'",
      "SELECT user AS found FROM mysql.user WHERE user = 'gone'",
    ],
    [
      'DROP TABLE',
      'CREATE TABLE shop.dropped (id INT PRIMARY KEY)',
      'DROP TABLE shop.dropped',
      "SELECT 'gone' AS found WHERE NOT EXISTS (SELECT * FROM information_schema.tables WHERE table_name = 'dropped')",
    ],
    [
      'INSERT of 20 MiB',
      'CREATE TABLE shop.large (id INT PRIMARY KEY, v LONGTEXT)',
      "INSERT INTO shop.large VALUES (1, REPEAT('x', 20 * 1024 * 1024))",
      'SELECT id AS found FROM shop.large',
    ],
  ])(
    'has no trace of the %s after the cut, and all that was acked',
    async (_, kept, lost, look) => {
      const { gtid, outcome } = await killWhileWaiting(mysql, { kept, lost, acked });

      expect(outcome).toMatchObject({
        kind: 'cut',
        gtids: [formatGtid(gtid)],
        saved: { kind: 'not-saved' },
      });
      await using connection = await root(mysql);
      expect(await rows(connection, look)).toEqual([]);
      expect(await executedGtids(connection)).toBe(acked.toString());
    },
  );

  test('has everything that was acked over all these crashes', async () => {
    await using connection = await root(mysql);

    expect(await rows(connection, 'SELECT id AS found FROM shop.t')).toEqual([{ found: 1 }]);
    expect(await rows(connection, 'SELECT kept AS found FROM shop.kept')).toEqual([]);
    expect(
      await rows(connection, "SELECT user AS found FROM mysql.user WHERE user = 'kept'"),
    ).toEqual([{ found: 'kept' }]);
    expect(await rows(connection, 'SELECT id AS found FROM shop.dropped')).toEqual([]);
  });

  test('rolls back a prepared XA transaction that was not acked', async () => {
    const { outcome } = await killWhileWaiting(mysql, {
      kept: 'INSERT INTO shop.t VALUES (10)',
      lost: "XA START 'x'; INSERT INTO shop.t VALUES (11); XA END 'x'; XA PREPARE 'x'",
      acked,
    });

    expect(outcome.kind).toBe('cut');
    await using connection = await root(mysql);
    expect(await rows(connection, 'XA RECOVER')).toEqual([]);
    expect(await rows(connection, 'SELECT id AS found FROM shop.t WHERE id >= 10')).toEqual([
      { found: 10 },
    ]);
    expect(await executedGtids(connection)).toBe(acked.toString());
  });

  test('still has an acked prepared XA transaction whose commit was not acked', async () => {
    const { outcome } = await killWhileWaiting(mysql, {
      kept: "XA START 'y'; INSERT INTO shop.t VALUES (12); XA END 'y'; XA PREPARE 'y'",
      lost: "XA COMMIT 'y'",
      acked,
    });

    expect(outcome.kind).toBe('cut');
    await using connection = await root(mysql);
    expect(await rows(connection, 'XA RECOVER')).toHaveLength(1);
    expect(await rows(connection, 'SELECT id AS found FROM shop.t WHERE id = 12')).toEqual([]);
    expect(await executedGtids(connection)).toBe(acked.toString());
  });

  test('has nothing to cut when everything was acked', async () => {
    const log = new Received();
    {
      await using replica = await Replica.attach(mysql, log);
      await using connection = await root(mysql);
      await makeWritable(connection);
      await connection.query(
        'INSERT INTO shop.t VALUES (20); FLUSH BINARY LOGS; INSERT INTO shop.t VALUES (21)',
      );
      acked.addAll(replica.acked);
    }
    await mysql.server.kill();

    expect(await cut(mysql, acked, log)).toEqual({ kind: 'nothing-to-cut' });
    await mysql.server.start();
    await using connection = await root(mysql);
    expect(await executedGtids(connection)).toBe(acked.toString());
  });
});

test('a mysqld that shut down politely committed what waited, so its binlog is not cut (H2)', async () => {
  await using mysql = await startTestMySql();
  const log = new Received();
  await using replica = await Replica.attach(mysql, log);
  const connection = await root(mysql);
  await makeWritable(connection);
  await connection.query('CREATE DATABASE shop');
  replica.isAcking = false;
  const answer = connection.query('CREATE TABLE shop.t (id INT PRIMARY KEY)').then(
    () => 'answered',
    () => 'lost',
  );
  await replica.unacked();

  await mysql.server.stop({ deadlineMs: 300_000 });

  await answer;
  await expect(cut(mysql, replica.acked, log)).rejects.toMatchObject({
    code: 'BINLOG_UNDECIDABLE',
    message: expect.stringContaining('a shutdown commits what waits for its ack'),
  });
});

test('a GTID that was handed out again after a reset is told from the one in the log; the server starts no more (G2, G6, H10)', async () => {
  await using mysql = await startTestMySql();
  const log = new Received();
  const acked = new GtidSet();
  {
    await using replica = await Replica.attach(mysql, log);
    await using connection = await root(mysql);
    await makeWritable(connection);
    await connection.query('CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY)');
    acked.addAll(replica.acked);
  }
  {
    await using connection = await root(mysql);
    await connection.query('RESET BINARY LOGS AND GTIDS');
    await using replica = await Replica.attach(mysql);
    replica.isAcking = false;
    const answer = connection.query('INSERT INTO shop.t VALUES (1)').catch(() => 'lost');
    const { gtid } = await replica.unacked();
    // By its name it is the CREATE DATABASE.
    expect(acked.has(gtid)).toBe(true);
    await mysql.server.kill();
    expect(await answer).toBe('lost');
  }

  const failure = await cut(mysql, acked, log).catch((thrown: unknown) => thrown);
  expect(failure).toMatchObject({
    code: 'BINLOG_UNDECIDABLE',
    message: expect.stringContaining('is something else in the log'),
  });
  await mysql.server.condemn({ reason: String(failure), gtids: '', atMs: 0 });
  await mysql.server.prepare();
  await expect(mysql.server.start()).rejects.toMatchObject({
    code: 'MYSQL_SERVER_CONDEMNED',
    message: expect.stringContaining('is something else in the log'),
  });

  await mysql.server.rebuild();
  expect(await mysql.server.condemnation()).toBeNull();
  await mysql.server.start();
  await using connection = await root(mysql);
  expect(await executedGtids(connection)).toBe('');
  expect(await rows(connection, "SHOW DATABASES LIKE 'shop'")).toEqual([]);
});

test('a transaction with a row of 17 MiB and one of 40 MiB come in fragments of at most 1 MiB (H19)', async () => {
  await using mysql = await startTestMySql();
  await using replica = await Replica.attach(mysql);
  await using connection = await root(mysql);
  await makeWritable(connection);

  await connection.query(
    'CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY, v LONGTEXT)',
  );
  await connection.query("INSERT INTO shop.t VALUES (1, REPEAT('x', 17 * 1024 * 1024))");
  await connection.query(
    "INSERT INTO shop.t SELECT n, REPEAT('y', 4 * 1024 * 1024) FROM (WITH RECURSIVE c(n) AS " +
      '(SELECT 2 UNION ALL SELECT n + 1 FROM c WHERE n < 11) SELECT n FROM c) AS numbers',
  );

  const [, , first, second] = replica.received;
  expect(replica.faults).toEqual([]);
  expect(first?.fragments).toBe(18);
  expect(second?.fragments).toBeGreaterThanOrEqual(41);
  expect(replica.largestPayload).toBe(1024 * 1024);
  expect(await executedGtids(connection)).toBe(replica.acked.toString());
});

/** Runs `kept` with acks and `lost` without, kills mysqld, cuts, and starts it again. */
async function killWhileWaiting(
  mysql: TestMySql,
  options: { readonly kept: string; readonly lost: string; readonly acked: GtidSet },
): Promise<{ gtid: TransactionReceivedEffect['gtid']; outcome: CutOutcome }> {
  const log = new Received();
  await using replica = await Replica.attach(mysql, log);
  const connection = await root(mysql);
  await makeWritable(connection);
  await connection.query(options.kept);
  options.acked.addAll(replica.acked);
  replica.isAcking = false;

  const answer = connection.query(options.lost).then(
    () => 'answered',
    () => 'lost',
  );
  const { gtid } = await replica.unacked();
  await mysql.server.kill();

  expect(await answer).toBe('lost');
  expect(replica.faults).toEqual([]);
  const outcome = await cut(mysql, options.acked, log);
  expect(await cut(mysql, options.acked, log)).toEqual({ kind: 'nothing-to-cut' });
  await mysql.server.start();
  return { gtid, outcome };
}

async function cut(
  mysql: TestMySql,
  committed: GtidSet,
  logged: LoggedContents,
): Promise<CutOutcome> {
  return await cutBinlog({
    dataDirectory: mysql.server.dataDirectory,
    baseName: 'binlog',
    isCommitted: (gtid) => committed.has(gtid),
    logged,
    saveDirectory: null,
  });
}

async function root(mysql: TestMySql): Promise<Connection & AsyncDisposable> {
  const connection = await mysql.connect();
  return Object.assign(connection, {
    [Symbol.asyncDispose]: () => {
      connection.destroy();
      return Promise.resolve();
    },
  });
}

async function makeWritable(connection: Connection): Promise<void> {
  await connection.query('SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF');
}

async function executedGtids(connection: Connection): Promise<string> {
  const [row] = await rows(connection, 'SELECT @@GLOBAL.gtid_executed AS found');
  return GtidSet.parse(String(row?.['found'])).toString();
}

async function rows(connection: Connection, sql: string): Promise<RowDataPacket[]> {
  const [result] = await connection.query<RowDataPacket[]>(sql);
  return result;
}
