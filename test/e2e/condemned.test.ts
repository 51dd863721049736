import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RowDataPacket } from 'mysql2/promise';
import { expect, onTestFinished, test, vi } from 'vitest';
import { connectApp } from '../support/app-connection.ts';
import { BinraftCluster, type TestNode } from '../support/binraft-cluster.ts';
import { eventually } from '../support/eventually.ts';
import { isDead, kill, lifeOf } from '../support/processes.ts';
import { connectRoot } from '../support/root-connection.ts';

// Goal: a verdict on a server outlives the node that found it (G2, G5, H10). Method: the rebuild is held, so that the node can be killed
// between the two; an administrator resets the GTIDs of a primary, which then hands an old one out for something else.

const holdRebuild = new URL('../support/hold-rebuild.ts', import.meta.url).href;

test('a node killed between verdict and rebuild condemns its server still, says why, and ends up without what it wrote', async () => {
  vi.stubEnv('NODE_OPTIONS', `--import=${holdRebuild}`);
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  await using cluster = await BinraftCluster.start({ basePort: 31_100, isPatient: true });
  const { node: id, mysql } = await cluster.leader();
  const node = cluster.node(id);
  await using app = await connectApp(cluster, node.readWritePort);
  await app.query('CREATE DATABASE harm');
  await app.query('CREATE TABLE harm.marks (id VARCHAR(40) PRIMARY KEY)');
  const hold = join(node.directory, 'mysql', 'hold-rebuild');
  writeFileSync(hold, '');

  {
    await using root = await connectRoot(node);
    const reset = root.query('RESET BINARY LOGS AND GTIDS').catch(() => undefined);
    // On the same session, right behind it: under a GTID of the log, or not at all.
    const write = root.query("INSERT INTO harm.marks VALUES ('again')").catch(() => undefined);
    await Promise.all([reset, write]);
  }
  const before = await condemned(cluster, node);
  const mark = readMark(node, 'data');
  const sidecar = lifeOf((await cluster.nodeStatus(id)).pid);
  kill(sidecar.pid, 'SIGKILL');
  await eventually(() => Promise.resolve(isDead(sidecar) ? true : null), 'the sidecar is gone');

  const after = await condemned(cluster, node);
  expect(after.pid).not.toBe(before.pid);
  expect(after.mysql).toMatchObject({ role: 'rebuilding', pid: null, reason: before.mysql.reason });
  expect(mark).toMatchObject({ version: 1, reason: before.mysql.reason });
  expect(before.mysql.reason).toMatch(/GTIDs were reset|gtid_executed was reset/);

  rmSync(hold);
  await eventually(async () => {
    const statuses = await cluster.settled();
    const executed = new Set(statuses.map((status) => status.mysql.gtidExecuted));
    return executed.size === 1 && !executed.has('') ? true : null;
  }, 'all nodes have executed the same');
  expect(readMark(node, 'data.previous')).toEqual(mark);
  expect((await cluster.nodeStatus(id)).mysql.pid).not.toBe(mysql.pid);
  await using root = await connectRoot(node);
  expect((await root.query<RowDataPacket[]>('SELECT id FROM harm.marks'))[0]).toEqual([]);
});

/** Waits until the node says that it rebuilds its server, with no mysqld left. */
async function condemned(
  cluster: BinraftCluster,
  node: TestNode,
): ReturnType<BinraftCluster['nodeStatus']> {
  return await eventually(async () => {
    const status = await cluster.nodeStatus(node.id).catch(() => null);
    return status?.mysql.role === 'rebuilding' && status.mysql.pid === null ? status : null;
  }, `${node.id} is about to rebuild its server`);
}

function readMark(node: TestNode, folder: string): unknown {
  const path = join(node.directory, 'mysql', folder, 'binraft-condemned.json');
  return JSON.parse(readFileSync(path, 'utf8').split('\n')[0] ?? '');
}
