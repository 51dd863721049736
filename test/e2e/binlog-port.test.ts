import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { expect, test } from 'vitest';
import { strikeLeader } from '../kill/faults.ts';
import { Workload } from '../kill/workload.ts';
import { connectApp, runAsApp } from '../support/app-connection.ts';
import { BinraftCluster, type TestNode } from '../support/binraft-cluster.ts';
import { eventually } from '../support/eventually.ts';
import { startTestMySql, testInstallation } from '../support/mysql-server.ts';
import { kill } from '../support/processes.ts';

// A MySQL that knows nothing of this project follows the cluster through its binlog port. Goal: it gets every committed
// transaction once, in order, whoever leads and whichever node it is attached to (G6, G9). Method: load, two dead leaders, then
// the node it is attached to dies and it is pointed at another; in the end its rows and GTIDs are those of the cluster.

const table = 'shop.orders';

test('a stock replica follows through failovers, and from another node’s port, with no gap and no duplicate', async () => {
  await using cluster = await BinraftCluster.start({ basePort: 29_000 });
  await using replica = await startTestMySql({ serverId: 4_000_001 });
  const stock = await replica.connect();
  await runAsApp(cluster, [
    'CREATE DATABASE IF NOT EXISTS shop',
    `CREATE TABLE IF NOT EXISTS ${table} (id VARCHAR(40) PRIMARY KEY, writer_note VARCHAR(80))`,
  ]);
  await using workload = new Workload({
    ports: cluster.nodes.map((node) => node.readWritePort),
    user: 'app',
    password: cluster.appPassword,
    writers: 6,
    table,
  });

  const follower = await followerOf(cluster);
  await attach(stock, cluster, follower);
  for (let round = 0; round < 2; round += 1) {
    await workload.progress(200);
    await strikeLeader(cluster, 'both');
  }
  await workload.progress(200);
  // It may have led meanwhile and be on its way back from its own death.
  const attached = await eventually(() => cluster.nodeStatus(follower.id), 'its node answers');
  kill(attached.pid, 'SIGKILL');
  const other = cluster.nodes.find((node) => node.id !== follower.id) ?? follower;
  await attach(stock, cluster, other);
  await workload.progress(200);
  const history = await workload.stop();

  const executed = (await cluster.settled())[0]?.mysql.gtidExecuted ?? '';
  await eventually(async () => ((await gtidsOf(stock)) === executed ? true : null), 'it caught up');
  const rows = await rowsOf(stock);
  const rowsOfPrimary = await eventually(async () => {
    await using primary = await connectApp(cluster, (await cluster.leader()).ports.readWrite);
    return await rowsOf(primary);
  }, 'the primary can be read');
  expect(rowsOfPrimary).toEqual(rows);
  expect(rows.length).toBeGreaterThanOrEqual(history.count('acked'));
  expect(await errorsOf(stock)).toEqual(['', '']);
  await readsWholeLog(cluster, other, executed);
});

/** `mysqlbinlog` names every transaction of the cluster once. */
async function readsWholeLog(
  cluster: BinraftCluster,
  node: TestNode,
  executed: string,
): Promise<void> {
  const [program = '', ...args] = (await testInstallation()).mysqlbinlogCommand ?? [];
  const { stdout } = await promisify(execFile)(
    program,
    [
      ...args,
      '--read-from-remote-source=BINLOG-DUMP-GTIDS',
      '--to-last-log',
      '--ssl-mode=DISABLED',
      '--base64-output=DECODE-ROWS',
      '--host=127.0.0.1',
      `--port=${node.binlogPort}`,
      '--user=binlog',
      `--password=${binlogPassword(cluster)}`,
      'binraft.000000000001',
    ],
    { maxBuffer: 256 * 1024 * 1024 },
  );
  const named = [...stdout.matchAll(/GTID_NEXT= '([0-9a-f-]{36}):(\d+)'/g)];
  expect(new Set(named.map(([, uuid, number]) => `${uuid}:${number}`)).size).toBe(named.length);
  expect(named.length).toBe(countOf(executed));
}

/** Of a GTID set in text without tags. */
function countOf(gtids: string): number {
  const intervals = [...gtids.matchAll(/:(\d+)(?:-(\d+))?/g)];
  return intervals.reduce((sum, [, from, to = from]) => sum + Number(to) - Number(from) + 1, 0);
}

function binlogPassword(cluster: BinraftCluster): string {
  return readFileSync(join(cluster.directory, 'binlog.password'), 'utf8').trim();
}

async function followerOf(cluster: BinraftCluster): Promise<TestNode> {
  const leader = await cluster.leader();
  const found = cluster.nodes.find((node) => node.id !== leader.node);
  if (found === undefined) throw new Error('no follower');
  return found;
}

async function attach(stock: Connection, cluster: BinraftCluster, node: TestNode): Promise<void> {
  await stock.query('STOP REPLICA');
  await stock.query(
    `CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = ${node.binlogPort},
       SOURCE_USER = 'binlog', SOURCE_PASSWORD = '${binlogPassword(cluster)}', SOURCE_AUTO_POSITION = 1,
       SOURCE_CONNECT_RETRY = 1, SOURCE_RETRY_COUNT = 1000, SOURCE_SSL = 0`,
  );
  await stock.query('START REPLICA');
}

async function gtidsOf(stock: Connection): Promise<string> {
  const [rows] = await stock.query<RowDataPacket[]>('SELECT @@GLOBAL.gtid_executed AS executed');
  return String(rows[0]?.['executed']);
}

async function rowsOf(connection: Connection): Promise<readonly string[]> {
  const [rows] = await connection.query<RowDataPacket[]>(`SELECT id FROM ${table} ORDER BY id`);
  return rows.map(({ id }) => String(id));
}

async function errorsOf(stock: Connection): Promise<readonly string[]> {
  const [[status]] = await stock.query<RowDataPacket[]>('SHOW REPLICA STATUS');
  return [String(status?.['Last_IO_Error']), String(status?.['Last_SQL_Error'])];
}
