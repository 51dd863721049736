import type { RowDataPacket } from 'mysql2/promise';
import { expect, test } from 'vitest';
import { verify } from '../kill/verify.ts';
import { Workload } from '../kill/workload.ts';
import { connectApp } from '../support/app-connection.ts';
import { BinraftCluster } from '../support/binraft-cluster.ts';
import { eventually } from '../support/eventually.ts';
import { kill, pause } from '../support/processes.ts';

const writes = [
  'INSERT INTO ro.t VALUES (2, 2)',
  'UPDATE ro.t SET value = 9',
  'DELETE FROM ro.t',
  'REPLACE INTO ro.t VALUES (1, 9)',
  'TRUNCATE TABLE ro.t',
  'DROP TABLE ro.t',
  'CREATE TABLE ro.other (id INT)',
  'ALTER TABLE ro.t ADD COLUMN extra INT',
  'CREATE DATABASE other',
  'CALL ro.write_it()',
  'SELECT ro.write_and_tell()',
  "SELECT * FROM ro.t INTO OUTFILE '/tmp/binraft-read-only'",
  'SELECT 1; DELETE FROM ro.t',
  'SELECT * FROM ro.t FOR UPDATE; DELETE FROM ro.t',
  'CREATE USER intruder',
  'SET GLOBAL super_read_only = 0',
  'SET GLOBAL read_only = 0',
  'START TRANSACTION READ WRITE; DELETE FROM ro.t; COMMIT',
];

test('the read-only port refuses every kind of write (S4, H32)', async () => {
  await using cluster = await BinraftCluster.start({ basePort: 25_000, isPatient: true });
  const leader = await cluster.leader();
  await using writer = await connectApp(cluster, leader.ports.readWrite);
  await writer.query('CREATE DATABASE ro; CREATE TABLE ro.t (id INT PRIMARY KEY, value INT)');
  await writer.query('INSERT INTO ro.t VALUES (1, 1)');
  await writer.query('CREATE PROCEDURE ro.write_it() DELETE FROM ro.t');
  await writer.query(
    'CREATE FUNCTION ro.write_and_tell() RETURNS INT DETERMINISTIC MODIFIES SQL DATA BEGIN DELETE FROM ro.t; RETURN 1; END',
  );
  await cluster.settled();

  const answers = await Promise.all(
    cluster.nodes.map(async (node) => {
      await using reader = await connectApp(cluster, node.readOnlyPort);
      const accepted: string[] = [];
      for (const sql of writes) {
        const isAccepted = await reader.query(sql).then(
          () => true,
          () => false,
        );
        if (isAccepted) accepted.push(sql);
      }
      const [rows] = await reader.query<RowDataPacket[]>('SELECT id, value FROM ro.t');
      return { accepted, rows: rows.map((row) => ({ ...row })) };
    }),
  );

  for (const answer of answers)
    expect(answer).toEqual({ accepted: [], rows: [{ id: 1, value: 1 }] });
});

test('a follower that was stopped under load catches up and serves (C10)', async () => {
  await using cluster = await BinraftCluster.start({ basePort: 25_000, isPatient: true });
  const leader = await cluster.leader();
  await using writer = await connectApp(cluster, leader.ports.readWrite);
  await writer.query(
    'CREATE DATABASE lagging; CREATE TABLE lagging.t (id VARCHAR(40) PRIMARY KEY, writer_note VARCHAR(80))',
  );
  const follower = (await cluster.settled()).find(({ mysql }) => mysql.role === 'replica');
  const mysqld = follower?.mysql.pid ?? null;
  if (follower === undefined || mysqld === null) throw new Error('no follower');
  await using workload = new Workload({
    ports: [leader.ports.readWrite],
    user: 'app',
    password: cluster.appPassword,
    writers: 8,
    table: 'lagging.t',
  });

  await pause(follower.pid);
  await pause(mysqld);
  await workload.progress(2000);
  kill(mysqld, 'SIGCONT');
  kill(follower.pid, 'SIGCONT');
  await workload.progress(500);
  const history = await workload.stop();

  const verdict = await verify(cluster, 'lagging.t', [history]);
  expect(verdict.violations).toEqual([]);
  await using reader = await connectApp(cluster, follower.ports.readOnly);
  await eventually(async () => {
    const [rows] = await reader.query<RowDataPacket[]>('SELECT COUNT(*) AS n FROM lagging.t');
    return Number(rows[0]?.['n']) === verdict.rows ? true : null;
  }, 'the follower serves all rows');
});
