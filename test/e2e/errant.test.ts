import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { verify } from '../kill/verify.ts';
import { Workload, type WriteHistory } from '../kill/workload.ts';
import { connectApp } from '../support/app-connection.ts';
import { BinraftCluster, type TestNode } from '../support/binraft-cluster.ts';
import { eventually } from '../support/eventually.ts';
import { kill, killAndAwait, pause } from '../support/processes.ts';
import { connectRoot } from '../support/root-connection.ts';

// What an administrator with root on a node's own socket can break (HAZARDS N8, H9, H10). Goal: whatever is changed behind the
// bridge's back, no node keeps what the log does not hold, and all nodes end equal (G2, G5, G8). Method: one cluster, each test
// does its harm to a settled one and waits until it is settled again.

let cluster: BinraftCluster;
let runs = 0;

beforeAll(async () => {
  cluster = await BinraftCluster.start({ basePort: 27_000, isPatient: true });
  await using app = await connectApp(cluster, cluster.nodes[0]?.readWritePort ?? 0);
  await app.query('CREATE DATABASE harm');
  await app.query('CREATE TABLE harm.marks (id VARCHAR(40) PRIMARY KEY)');
});

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
});

test.for([
  'SET SESSION sql_log_bin = 0',
  "SET SESSION gtid_next = '00000000-0000-0000-0000-000000000001:1'",
  'SET GLOBAL rpl_semi_sync_source_enabled = 0',
  'SET GLOBAL super_read_only = 0',
  'RESET BINARY LOGS AND GTIDS',
  'STOP REPLICA',
])('an application cannot: %s (H10)', async (sql) => {
  await using app = await connectApp(cluster, cluster.nodes[0]?.readWritePort ?? 0);

  await expect(app.query(sql)).rejects.toMatchObject({ errno: 1227 });
});

test('a write on a follower made writable by hand never commits (G2, H10)', async () => {
  const follower = await someFollower();
  const before = await mysqldOf(follower);
  await using root = await connectRoot(follower);

  // Both settings at once, and the write right behind it: the settings alone are found, too.
  await root.query('SET GLOBAL read_only = 0').catch(() => undefined);
  await expect(insertMark(root, 'errant')).rejects.toThrow();

  await replaced(follower, before);
  await expectEqualNodes();
  expect(await nodesHolding('errant')).toEqual([]);
});

test('an errant write let through while the sidecar was stopped is found, and the node built anew (G5, H9)', async () => {
  const follower = await someFollower();
  const before = await mysqldOf(follower);
  const sidecar = (await cluster.nodeStatus(follower.id)).pid;
  {
    await using root = await connectRoot(follower);
    await pause(sidecar);
    try {
      await root.query('SET GLOBAL rpl_semi_sync_source_enabled = 0');
      await root.query('SET GLOBAL super_read_only = 0');
      await root.query('SET GLOBAL read_only = 0');
      await insertMark(root, 'passed');
      expect(await nodesHolding('passed')).toEqual([follower.id]);
    } finally {
      kill(sidecar, 'SIGCONT');
    }
  }

  await replaced(follower, before);
  await expectEqualNodes();
  expect(await nodesHolding('passed')).toEqual([]);
  expect(hasSetAside(follower)).toBe(true);
});

test('what an import without binlog wrote on a follower is found, and the node built anew (G2, G5, H10)', async () => {
  const follower = await someFollower();
  const before = await mysqldOf(follower);
  {
    await using root = await connectRoot(follower);
    await root.query('SET GLOBAL read_only = 0').catch(() => undefined);
    // As mysqldump writes it.
    await root.query('SET @MYSQLDUMP_TEMP_LOG_BIN = @@SESSION.SQL_LOG_BIN').catch(() => undefined);
    await root.query('SET @@SESSION.SQL_LOG_BIN= 0').catch(() => undefined);
    await insertMark(root, 'imported').catch(() => undefined);
  }

  await replaced(follower, before);
  await expectEqualNodes();
  expect(await nodesHolding('imported')).toEqual([]);
  expect(hasSetAside(follower)).toBe(true);
  expect(reasonsOf(follower)).toContainEqual(expect.stringContaining('MYSQL_BINLOG_OFF'));
});

test('a write without binlog on a primary under load: it gives leadership away and is built anew, and nothing is lost (G2, G3, H10)', async () => {
  const leader = await cluster.leader();
  const primary = cluster.node(leader.node);
  await using workload = await load();
  await workload.progress(200);
  {
    await using root = await connectRoot(primary);
    await root.query('SET SESSION sql_log_bin = 0');
    await insertMark(root, 'unlogged').catch(() => undefined);
  }

  await replaced(primary, leader.mysql.pid);
  await workload.progress(200);
  const history = await workload.stop();

  expect(await violationsOf(history)).toEqual([]);
  await expectEqualNodes();
  expect(await nodesHolding('unlogged')).toEqual([]);
  expect(hasSetAside(primary)).toBe(true);
  expect(reasonsOf(primary)).toContainEqual(expect.stringContaining('SET SESSION sql_log_bin'));
});

test.for([
  'SET GLOBAL rpl_semi_sync_source_enabled = 0',
  'SET GLOBAL rpl_semi_sync_source_timeout = 1000',
  'SET GLOBAL rpl_semi_sync_source_wait_for_replica_count = 2',
  'RESET BINARY LOGS AND GTIDS',
])(
  'a primary under load is fenced after %s, and nothing is lost (G2, G3, H9, H10)',
  async (sql) => {
    const leader = await cluster.leader();
    const primary = cluster.node(leader.node);
    await using workload = await load();
    await workload.progress(200);
    {
      await using root = await connectRoot(primary);
      await root.query(sql).catch(() => undefined);
    }

    await replaced(primary, leader.mysql.pid);
    await workload.progress(200);
    const history = await workload.stop();

    expect(await violationsOf(history)).toEqual([]);
  },
);

test('a follower whose GTIDs were reset is built anew instead of applying its data twice (G5, G6)', async () => {
  const follower = await someFollower();
  const before = await mysqldOf(follower);
  {
    await using root = await connectRoot(follower);
    // Found as soon as it takes effect: the server may be killed before it answers.
    await root.query('RESET BINARY LOGS AND GTIDS').catch(() => undefined);
  }

  await replaced(follower, before);
  await expectEqualNodes();
});

test('a follower whose replication was stopped by hand follows again', async () => {
  const follower = await someFollower();
  {
    await using root = await connectRoot(follower);
    await root.query('STOP REPLICA');
  }
  await using app = await connectApp(cluster, follower.readWritePort);
  await insertMark(app, 'after the stop');

  await expectEqualNodes();
  expect(await nodesHolding('after the stop')).toEqual(['n1', 'n2', 'n3']);
});

test('killing sessions that wait for their ack lets nothing through (N8, G2)', async () => {
  const primary = cluster.node((await cluster.leader()).node);
  await using workload = await load();
  await workload.progress(100);
  await using root = await connectRoot(primary);

  for (let round = 0; round < 20; round += 1) {
    const [sessions] = await root.query<RowDataPacket[]>(
      "SELECT id FROM information_schema.processlist WHERE user = 'app'",
    );
    for (const [index, { id, ID }] of sessions.entries()) {
      const verb = index % 2 === 0 ? 'KILL' : 'KILL QUERY';
      await root.query(`${verb} ${id ?? ID}`).catch(() => undefined);
    }
    await workload.progress(5);
  }
  const history = await workload.stop();

  expect(await violationsOf(history)).toEqual([]);
});

test('a primary whose mysqld hangs hands over as soon as a probe went unanswered (N5)', async () => {
  const leader = await cluster.leader();
  const primary = cluster.node(leader.node);
  await using workload = await load();
  await workload.progress(100);

  kill(leader.mysql.pid, 'SIGSTOP');
  await replaced(primary, leader.mysql.pid);
  await workload.progress(100);
  const history = await workload.stop();

  // The probe is what found it, and leadership was handed over in the next term: nobody waited for an election.
  expect(cluster.logOf(primary.id)).toContainEqual(
    expect.objectContaining({ kind: 'fencing', reason: 'mysqld did not answer for 3000 ms' }),
  );
  expect((await cluster.leader()).raft.term).toBe(leader.raft.term + 1);
  expect(await violationsOf(history)).toEqual([]);
});

// MySQL itself turns an event off where it is applied, and forgets whether it was on: the new primary must be told.
test('an event runs on one server alone, and never by itself on a new primary (H20)', async () => {
  await using app = await connectApp(cluster, cluster.nodes[0]?.readWritePort ?? 0);
  await app.query(
    'CREATE TABLE harm.ticks (id INT AUTO_INCREMENT PRIMARY KEY, server BIGINT, at TIMESTAMP(3))',
  );
  await app.query(
    `CREATE EVENT harm.tick ON SCHEDULE EVERY 1 SECOND
       DO INSERT INTO harm.ticks (server, at) VALUES (@@server_id, NOW(3))`,
  );
  await ticksOnPrimary();

  const first = await cluster.leader();
  expect(await cluster.transfer(null)).toMatchObject({ outcome: 'handed-over' });
  const second = await cluster.leader();
  expect(second.node).not.toBe(first.node);
  await using moved = await connectApp(cluster, second.ports.readWrite);
  await moved.query('ALTER EVENT harm.tick ENABLE');
  await ticksOnPrimary();
  await moved.query('DROP EVENT harm.tick');

  await expectEqualNodes();
  const [ticks] = await moved.query<RowDataPacket[]>('SELECT server FROM harm.ticks ORDER BY id');
  const changes = ticks.filter(({ server }, index) => server !== ticks[index - 1]?.['server']);
  expect(changes, 'one server ran it, then the other').toHaveLength(2);
});

test('a node whose MySQL folder is gone comes back equal, with what it wrote as primary (N10)', async () => {
  const { node, pid, mysql } = await cluster.leader();
  await using workload = await load();
  await workload.progress(100);

  await pause(pid);
  await killAndAwait(mysql.pid);
  await rm(join(cluster.node(node).directory, 'mysql', 'data'), { recursive: true });
  kill(pid, 'SIGKILL');
  await workload.progress(200);
  const history = await workload.stop();

  await expectEqualNodes();
  expect(await violationsOf(history)).toEqual([]);
});

/** Waits until the newest tick is of the present primary. */
async function ticksOnPrimary(): Promise<void> {
  await eventually(async () => {
    await using app = await connectApp(cluster, (await cluster.leader()).ports.readWrite);
    const [rows] = await app.query<RowDataPacket[]>(
      'SELECT server = @@server_id AS isHere FROM harm.ticks ORDER BY id DESC LIMIT 1',
    );
    return rows[0]?.['isHere'] === 1 ? true : null;
  }, 'the event runs on the primary');
}

/** Writers on a table of their own. */
async function load(): Promise<Workload> {
  runs += 1;
  const table = `harm.writes_${runs}`;
  await using app = await connectApp(cluster, cluster.nodes[0]?.readWritePort ?? 0);
  await app.query(`CREATE TABLE ${table} (id VARCHAR(40) PRIMARY KEY, writer_note VARCHAR(80))`);
  return new Workload({
    ports: cluster.nodes.map((node) => node.readWritePort),
    user: 'app',
    password: cluster.appPassword,
    writers: 6,
    table,
  });
}

/** Of the newest load. */
async function violationsOf(history: WriteHistory): Promise<readonly string[]> {
  const { violations } = await verify(cluster, `harm.writes_${runs}`, [history]);
  return violations;
}

async function someFollower(): Promise<TestNode> {
  const statuses = await cluster.settled();
  const follower = statuses.find((status) => status.mysql.role === 'replica');
  return cluster.node(follower?.node ?? '');
}

async function mysqldOf(node: TestNode): Promise<number> {
  const { pid } = (await cluster.nodeStatus(node.id)).mysql;
  if (pid === null) throw new Error(`${node.id} runs no mysqld`);
  return pid;
}

/** Waits until another mysqld serves on that node. */
async function replaced(node: TestNode, before: number): Promise<void> {
  await eventually(async () => {
    const { pid, role } = (await cluster.nodeStatus(node.id)).mysql;
    return pid !== null && pid !== before && ['replica', 'primary'].includes(role) ? true : null;
  }, `${node.id} runs another mysqld`);
}

async function insertMark(connection: Connection, id: string): Promise<void> {
  await connection.query('INSERT INTO harm.marks VALUES (?)', [id]);
}

/** Which nodes' own engines show a row. */
async function nodesHolding(id: string): Promise<readonly string[]> {
  const found = cluster.nodes.map(async (node) => {
    await using root = await connectRoot(node);
    const [rows] = await root
      .query<RowDataPacket[]>('SELECT id FROM harm.marks WHERE id = ?', [id])
      .catch(() => [[]]);
    return rows.length > 0 ? [node.id] : [];
  });
  return (await Promise.all(found)).flat();
}

/** A server that was built anew has everything to apply again, so this waits. */
async function expectEqualNodes(): Promise<void> {
  const statuses = await eventually(async () => {
    const settled = await cluster.settled();
    const executed = new Set(settled.map((status) => status.mysql.gtidExecuted));
    return executed.size === 1 && !executed.has('') ? settled : null;
  }, 'all nodes have executed the same');
  expect(new Set(statuses.map((status) => status.mysql.logHash)).size).toBe(1);
}

/** Why its roles changed, by its log. */
function reasonsOf(node: TestNode): readonly unknown[] {
  return cluster.logOf(node.id).map((line) => Object(line)['reason']);
}

function hasSetAside(node: TestNode): boolean {
  return existsSync(join(node.directory, 'mysql', 'data.previous'));
}
