import type { Connection } from 'mysql2/promise';
import { expect, test } from 'vitest';
import { SystemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/logger.ts';
import { GtidSet } from '../../mysql-bridge/binlog/gtid-set.ts';
import { BinlogTail } from '../../mysql-bridge/binlog-tail.ts';
import { MySqlAdmin } from '../../mysql-bridge/mysql-admin.ts';
import { term } from '../../raft/core/types.ts';
import { ArrayRaft } from '../support/array-raft.ts';
import { startTestMySql, type TestMySql } from '../support/mysql-server.ts';
import {
  executedOn,
  farFile,
  farInPresentFile,
  rogueComesAndGoes,
} from './rogue-replica-support.ts';
import { until } from './source-support.ts';

// What a semisynchronous replica that is not ours leaves behind on a real mysqld, and what the tail knows of it. HAZARDS G2, H11.

const clock = new SystemClock();
const leaderTerm = 3;

test('a far place that another replica acknowledged lets every later commit through, and no counter tells (G2, H11)', async () => {
  await using node = await primary();
  const { writer, admin, tail } = node;
  await node.committing(() =>
    writer.query('CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY)'),
  );
  const passedBefore = tail.passedWithoutAck(await executedOn(writer));

  await rogueComesAndGoes(node.mysql, farFile);
  await writer.query('INSERT INTO d.t VALUES (1)');
  await writer.query('INSERT INTO d.t VALUES (2)');

  // Nobody committed them in the log, and nothing that can be asked for is other than it was.
  expect(passedBefore).toBe(null);
  expect((await admin.bypasses()).gate).toEqual([]);
  expect(await admin.semisyncFaults()).toEqual([]);
  expect(await admin.settingsFaults()).toEqual([]);
  await node.received(4);
  const passed = tail.passedWithoutAck(await executedOn(writer));
  expect(passed?.number).toBe(3n);
  // The server asked for no ack, so none follows, and the tail still knows.
  node.raft.commit();
  expect(tail.unackedCount).toBe(0);
  expect(tail.passedWithoutAck(await executedOn(writer))).toEqual(passed);
});

test('a far place within a binlog file does the same until the file ends (G2, H11)', async () => {
  await using node = await primary();
  const { writer, tail } = node;
  await node.committing(() =>
    writer.query('CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY)'),
  );

  await rogueComesAndGoes(node.mysql, await farInPresentFile(writer));
  await writer.query('INSERT INTO d.t VALUES (1)');
  await node.received(3);
  const passed = tail.passedWithoutAck(await executedOn(writer));
  await writer.query('FLUSH BINARY LOGS');
  const waiting = writer.query('INSERT INTO d.t VALUES (2)');
  await until(() => Promise.resolve(tail.unackedCount === 1));
  const reader = await node.mysql.connect();
  const executedWhileWaiting = await executedOn(reader);
  node.raft.commit();
  await waiting;

  expect(passed?.number).toBe(3n);
  expect(executedWhileWaiting.has({ ...(passed ?? neverGtid), number: 4n })).toBe(false);
  expect((await executedOn(writer)).has({ ...(passed ?? neverGtid), number: 4n })).toBe(true);
});

test('whatever a server commits, and however, is not taken for what got past the gate (G2)', async () => {
  await using node = await primary();
  const { mysql, admin, tail } = node;
  const seen: unknown[] = [];
  let looks = 0;
  let isOver = false;
  const look = async (): Promise<void> => {
    for (; !isOver; looks += 1) {
      const passed = tail.passedWithoutAck(GtidSet.parse(await admin.executedGtids()));
      if (passed !== null) seen.push(passed);
    }
  };

  const work = node.committing(async () => {
    await node.writer.query('CREATE DATABASE d');
    await Promise.all(Array.from({ length: 6 }, (_, session) => allKinds(mysql, session)));
  });
  await Promise.all([
    look(),
    work.finally(() => {
      isOver = true;
    }),
  ]);

  expect(seen).toEqual([]);
  expect(looks).toBeGreaterThan(0);
  expect(tail.passedWithoutAck(await executedOn(node.writer))).toBe(null);
  expect((await admin.bypasses()).gate).toEqual([]);
});

test('what a server commits as it recovers is not taken for what got past the gate (G2)', async () => {
  await using node = await primary();
  const { mysql, writer } = node;
  await node.committing(() =>
    writer.query('CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY)'),
  );
  const waiting = writer.query('INSERT INTO d.t VALUES (1)').catch(() => 'lost');
  await node.received(3);
  const waitingThen = node.tail.passedWithoutAck(GtidSet.parse(await node.admin.executedGtids()));
  await mysql.server.kill();
  expect(await waiting).toBe('lost');

  await mysql.server.start();
  await using recovered = await primaryOn(mysql);
  const before = recovered.tail.passedWithoutAck(await executedOn(recovered.writer));
  await recovered.committing(() => recovered.writer.query('INSERT INTO d.t VALUES (2)'));
  const executed = await executedOn(recovered.writer);

  // The commit that waited was whole in the binlog, so recovery committed it.
  expect(executed.toString()).toMatch(/:1-4$/);
  expect(waitingThen).toBe(null);
  expect(before).toBe(null);
  expect(recovered.tail.passedWithoutAck(executed)).toBe(null);
});

const neverGtid = { serverUuid: '', tag: '', number: 0n };

/** Every way in which a statement comes to a GTID of its own. */
async function allKinds(mysql: TestMySql, session: number): Promise<void> {
  const connection = await mysql.connect();
  const t = `d.t${session}`;
  const gtid = `aaaaaaaa-0000-4000-8000-00000000000${session}`;
  const statements = [
    `CREATE TABLE ${t} (id INT AUTO_INCREMENT PRIMARY KEY, v LONGBLOB)`,
    ...Array.from({ length: 30 }, () => `INSERT INTO ${t} (v) VALUES ('x')`),
    `BEGIN; INSERT INTO ${t} (v) VALUES ('x'); ROLLBACK`,
    `BEGIN; INSERT INTO ${t} (v) VALUES ('x'); SAVEPOINT s; DELETE FROM ${t}; ROLLBACK TO s; COMMIT`,
    `INSERT INTO ${t} (v) VALUES (REPEAT('r', 3000000))`,
    `SET gtid_next = '${gtid}:1'; BEGIN; COMMIT; SET gtid_next = AUTOMATIC`,
    `SET gtid_next = 'AUTOMATIC:tag'; INSERT INTO ${t} (v) VALUES ('x'); SET gtid_next = AUTOMATIC`,
    `SET binlog_transaction_compression = ON; INSERT INTO ${t} (v) VALUES (REPEAT('c', 100000)); SET binlog_transaction_compression = OFF`,
    `XA START 'a${session}'; INSERT INTO ${t} (v) VALUES ('x'); XA END 'a${session}'; XA PREPARE 'a${session}'; XA COMMIT 'a${session}'`,
    `XA START 'b${session}'; INSERT INTO ${t} (v) VALUES ('x'); XA END 'b${session}'; XA PREPARE 'b${session}'; XA ROLLBACK 'b${session}'`,
    `CREATE TEMPORARY TABLE d.temporary (id INT); DROP TEMPORARY TABLE d.temporary`,
    `CREATE TABLE ${t}c AS SELECT id FROM ${t}`,
    `ALTER TABLE ${t}c ADD COLUMN w INT`,
    `ANALYZE TABLE ${t}; OPTIMIZE TABLE ${t}; FLUSH TABLES ${t}; FLUSH PRIVILEGES`,
    'FLUSH BINARY LOGS',
    `CREATE USER u${session}; GRANT SELECT ON d.* TO u${session}; DROP USER u${session}`,
    `TRUNCATE ${t}c`,
    `DROP TABLE ${t}, ${t}c`,
  ];
  for (const sql of statements) await connection.query(sql);
  await expect(connection.query(`DROP TABLE ${t}, d.missing`)).rejects.toThrow();
}

/** A writable server with a tail, in front of a log that commits when it is told to. */
class Primary implements AsyncDisposable {
  readonly raft: ArrayRaft = new ArrayRaft();
  readonly mysql: TestMySql;
  readonly admin: MySqlAdmin;
  readonly tail: BinlogTail;
  readonly writer: Connection;

  constructor(mysql: TestMySql, admin: MySqlAdmin, writer: Connection) {
    this.mysql = mysql;
    this.admin = admin;
    this.writer = writer;
    this.tail = new BinlogTail({
      isLogged: () => false,
      socketPath: mysql.server.socketPath,
      account: mysql.account,
      serverId: 9001,
      replicaUuid: 'aaaaaaaa-0000-0000-0000-000000000001',
      raft: this.raft,
      clock,
      logger: silentLogger,
    });
  }

  /** What is proposed meanwhile commits soon after. */
  async committing(work: () => Promise<unknown>): Promise<void> {
    const stop = clock.every(1, () => this.raft.commit());
    try {
      await work();
    } finally {
      stop();
    }
  }

  /** So many entries came into the log. */
  async received(count: number): Promise<void> {
    await until(() => Promise.resolve(this.raft.status.lastIndex >= count));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.tail.close();
    this.admin.close();
    await this.mysql[Symbol.asyncDispose]();
  }
}

async function primary(): Promise<Primary> {
  return await primaryOn(await startTestMySql());
}

async function primaryOn(mysql: TestMySql): Promise<Primary> {
  const { adminPort, socketPath } = mysql.server;
  const { version } = mysql.installation;
  const { account } = mysql;
  const admin = await MySqlAdmin.connect({ adminPort, socketPath, account, version, clock });
  const node = new Primary(mysql, admin, await mysql.connect());
  await node.tail.attach(await executedOn(node.writer));
  node.raft.change({ role: 'leader', term: term(leaderTerm) });
  node.tail.beginProposing(leaderTerm);
  await admin.setFlush('primary');
  await admin.setWritable(true, { timeoutMs: 60_000 });
  return node;
}
