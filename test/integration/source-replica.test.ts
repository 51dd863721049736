import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { GtidSet } from '../../mysql-bridge/binlog/gtid-set.ts';
import { watchLiveMemory } from '../support/live-memory.ts';
import { startTestMySql, type TestMySql } from '../support/mysql-server.ts';
import {
  applied,
  checksums,
  follow,
  makeWritable,
  replicaStatus,
  scalar,
  startPrimary,
  startSource,
  until,
} from './source-support.ts';

const mebibyte = 1024 * 1024;

/** Small transactions of all kinds, from several sessions at once, so that they carry a real logical clock. */
async function writeMixed(primary: TestMySql, label: string, count: number): Promise<void> {
  const writers = 8;
  const setup = await primary.connect();
  await setup.query(
    `CREATE DATABASE IF NOT EXISTS app;
     CREATE TABLE app.${label} (id INT AUTO_INCREMENT PRIMARY KEY, w INT, v VARCHAR(200), KEY (w));
     CREATE TABLE app.${label}_sum (w INT PRIMARY KEY, n INT NOT NULL);
     CREATE TRIGGER app.${label}_count AFTER INSERT ON app.${label} FOR EACH ROW
       UPDATE app.${label}_sum SET n = n + 1 WHERE w = NEW.w`,
  );
  for (let writer = 0; writer < writers; writer += 1) {
    await setup.query(`INSERT INTO app.${label}_sum VALUES (${writer}, 0)`);
  }
  const run = async (writer: number): Promise<void> => {
    const connection = await primary.connect();
    for (let step = 0; step < count / writers; step += 1) {
      await connection.query(mixedStatement(label, writer, step));
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, writer) => run(writer)));
}

function mixedStatement(label: string, writer: number, step: number): string {
  const table = `app.${label}`;
  switch (step % 25) {
    case 7:
      return `CREATE TABLE app.${label}_${writer}_${step} (id INT PRIMARY KEY) AS SELECT ${step} AS id`;
    case 11:
      return `ALTER TABLE app.${label}_${writer}_${step - 4} ADD COLUMN c INT DEFAULT 5`;
    case 13:
      return `DROP TABLE app.${label}_${writer}_${step - 6}`;
    case 17:
      return `BEGIN; INSERT INTO ${table} (w, v) VALUES (${writer}, UUID()), (${writer}, RAND()); UPDATE ${table} SET v = CONCAT(v, 'x') WHERE w = ${writer} ORDER BY id DESC LIMIT 1; COMMIT`;
    case 19:
      return `DELETE FROM ${table} WHERE w = ${writer} ORDER BY id LIMIT 1`;
    case 23:
      return `CREATE USER u_${label}_${writer}_${step} IDENTIFIED BY 'p'`;
    default:
      return `INSERT INTO ${table} (w, v) VALUES (${writer}, REPEAT('${step % 10}', ${step % 200}))`;
  }
}

async function warningsOf(server: TestMySql): Promise<string[]> {
  const log = await readFile(join(server.directory, 'log', 'mysqld.log'), 'utf8');
  return log.split('\n').filter((line) => /is inconsistent|MY-010411|MY-010412/.test(line));
}

test('a replica with four workers applies everything across a change of primary and a kill (HAZARDS C7, G6, N3)', async () => {
  // Method: primary A writes 2500 transactions; B follows the log, is promoted and writes 2500 more; C follows all along and is
  // killed in the middle. The clock of B begins anew, so C would run B's transactions out of order without a new file.
  await using a = await startPrimary(1);
  await using source = await startSource(a);
  await using b = await startTestMySql({ serverId: 2 });
  await using c = await startTestMySql({ serverId: 3, tuning: { replicaWorkers: 4 } });
  await follow(b, source.port);
  await follow(c, source.port);

  await writeMixed(a, 'first', 2500);
  const observer = await c.connect();
  const appended = source.append(a);
  await until(async () => (await replicaStatus(observer)).executed.count > 300n);
  await c.server.kill();
  await appended;
  await c.server.start();
  await (await c.connect()).query('START REPLICA');
  await applied(b, source);
  const promoted = await b.connect();
  await promoted.query('STOP REPLICA; RESET REPLICA ALL');
  await makeWritable(b);
  await writeMixed(b, 'second', 2500);
  await source.append(b);
  await applied(c, source);

  const primaryGtids = await scalar(promoted, 'SELECT @@GLOBAL.gtid_executed');
  const replicaGtids = await scalar(await c.connect(), 'SELECT @@GLOBAL.gtid_executed');
  expect(GtidSet.parse(replicaGtids).toString()).toBe(GtidSet.parse(primaryGtids).toString());
  expect(GtidSet.parse(replicaGtids).count).toBeGreaterThan(4500n);
  expect(await checksums(c, 'app')).toEqual(await checksums(b, 'app'));
  const users = 'SELECT COUNT(*) FROM mysql.user WHERE user LIKE "u\\_%"';
  expect(await scalar(await c.connect(), users)).toBe(await scalar(promoted, users));
  expect(await warningsOf(c)).toEqual([]);
});

test('a row of 40 MiB and a transaction of 100 MiB arrive whole, in bounded memory (HAZARDS G9, H19)', async () => {
  await using a = await startPrimary(1);
  await using source = await startSource(a);
  await using c = await startTestMySql({ serverId: 3 });
  const writer = await a.connect();
  await writer.query(
    `CREATE DATABASE app; CREATE TABLE app.big (id INT AUTO_INCREMENT PRIMARY KEY, v LONGBLOB);
     INSERT INTO app.big (v) VALUES (REPEAT('r', ${40 * mebibyte}));
     CREATE TABLE app.after_row (id INT PRIMARY KEY)`,
  );
  await writer.query('BEGIN');
  for (let row = 0; row < 100; row += 1) {
    await writer.query(`INSERT INTO app.big (v) VALUES (REPEAT('${row % 10}', ${mebibyte}))`);
  }
  await writer.query('COMMIT; INSERT INTO app.after_row VALUES (1)');
  await source.append(a);

  const memory = watchLiveMemory();
  await follow(c, source.port);
  await applied(c, source);
  const peakBytes = memory.stop();

  expect(await checksums(c, 'app')).toEqual(await checksums(a, 'app'));
  expect(peakBytes / mebibyte).toBeLessThan(48);
});

test('a dump that is cut inside a transaction begins that transaction again (HAZARDS N1)', async () => {
  await using a = await startPrimary(1);
  await using source = await startSource(a);
  await using c = await startTestMySql({ serverId: 3 });
  const writer = await a.connect();
  await writer.query('CREATE DATABASE app; CREATE TABLE app.big (id INT PRIMARY KEY, v LONGBLOB)');
  for (let id = 0; id < 3; id += 1) {
    await writer.query(`INSERT INTO app.big VALUES (${id}, REPEAT('r', ${24 * mebibyte}))`);
  }
  await source.append(a);
  const observer = await c.connect();

  await follow(c, source.port);
  // The receiver is stopped over and over while large events are on their way.
  for (let cut = 0; cut < 5; cut += 1) {
    await until(() => Promise.resolve(source.source.dumps.length > 0));
    await observer.query('STOP REPLICA IO_THREAD; START REPLICA IO_THREAD');
  }
  await applied(c, source);

  expect(await checksums(c, 'app')).toEqual(await checksums(a, 'app'));
});

test('a replica that waits hears heartbeats at the position that it has counted itself', async () => {
  await using a = await startPrimary(1);
  await using source = await startSource(a);
  await using c = await startTestMySql({ serverId: 3, tuning: { performanceSchema: true } });
  const writer = await a.connect();
  await writer.query('CREATE DATABASE app; CREATE TABLE app.t (id INT PRIMARY KEY)');
  await source.append(a);
  await follow(c, source.port);
  await applied(c, source);
  const observer = await c.connect();
  const counted = await replicaStatus(observer);

  const heartbeats =
    'SELECT COUNT_RECEIVED_HEARTBEATS FROM performance_schema.replication_connection_status';
  await until(async () => Number(await scalar(observer, heartbeats)) >= 3);

  const later = await replicaStatus(observer);
  expect(later.ioRunning).toBe('Yes');
  expect(later.errors).toBe('');
  expect(later.readPosition).toBe(counted.readPosition);
  await writer.query('INSERT INTO app.t VALUES (1)');
  await source.append(a);
  await applied(c, source);
});

test('a replica with a transaction of its own is refused for good, by name (HAZARDS G5)', async () => {
  await using a = await startPrimary(1);
  await using source = await startSource(a, { unknownGtidWaitMs: 200 });
  await using c = await startPrimary(3);
  const local = await c.connect();
  await local.query('CREATE DATABASE errant');
  const uuid = await scalar(local, 'SELECT @@server_uuid');
  await (await a.connect()).query('CREATE DATABASE app');
  await source.append(a);

  await follow(c, source.port);
  await until(async () => (await replicaStatus(local)).ioRunning === 'No');

  const { errors } = await replicaStatus(local);
  expect(errors).toContain('fatal error 1236');
  expect(errors).toContain(`${uuid}:1`);
});

test('a semisynchronous replica falls back to asynchronous by itself', async () => {
  await using a = await startPrimary(1);
  await using source = await startSource(a);
  await using c = await startTestMySql({ serverId: 3 });
  await (await a.connect()).query('CREATE DATABASE app; CREATE TABLE app.t (id INT PRIMARY KEY)');
  await source.append(a);
  const observer = await c.connect();
  await observer.query('SET GLOBAL super_read_only = OFF');
  await observer.query(
    `SET SESSION sql_log_bin = 0; INSTALL PLUGIN rpl_semi_sync_replica SONAME 'semisync_replica.so';
     SET GLOBAL rpl_semi_sync_replica_enabled = ON`,
  );

  await follow(c, source.port);
  await applied(c, source);

  expect((await replicaStatus(observer)).ioRunning).toBe('Yes');
  const status = 'SHOW STATUS LIKE "Rpl_semi_sync_replica_status"';
  const [rows] = await observer.query(status);
  expect(rows).toMatchObject([{ Value: 'OFF' }]);
});
