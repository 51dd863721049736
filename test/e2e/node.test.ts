import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { verify } from '../kill/verify.ts';
import { Workload } from '../kill/workload.ts';
import { connectApp } from '../support/app-connection.ts';
import { BinraftCluster } from '../support/binraft-cluster.ts';
import { eventually } from '../support/eventually.ts';
import { kill } from '../support/processes.ts';
import { runCommand } from '../support/run-command.ts';

// One node of a real deployment: how it is stopped, and what it refuses.

let cluster: BinraftCluster;

beforeAll(async () => {
  cluster = await BinraftCluster.start({ basePort: 29_900, isPatient: true });
  await using session = await connectApp(cluster, cluster.nodes[0]?.readWritePort ?? 0);
  await session.query('CREATE DATABASE stops');
  await session.query(
    'CREATE TABLE stops.writes (id VARCHAR(40) PRIMARY KEY, writer_note VARCHAR(80))',
  );
});

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
});

test('a leader that is asked to stop under load hands over first, and nothing is lost (N4)', async () => {
  await using workload = new Workload({
    ports: cluster.nodes.map((node) => node.readWritePort),
    user: 'app',
    password: cluster.appPassword,
    writers: 8,
    table: 'stops.writes',
  });
  await workload.progress(200);
  const before = await cluster.leader();

  const askedMs = performance.now();
  kill(before.pid, 'SIGTERM');
  const after = await eventually(async () => {
    const leader = await cluster.leader();
    return leader.node === before.node ? null : leader;
  }, 'another node leads');
  await workload.progress(200);
  await eventually(
    async () => ((await cluster.nodeStatus(before.node)).pid === before.pid ? null : true),
    'the node is started again as a new process',
  );
  await workload.progress(200);
  const history = await workload.stop();

  // By TimeoutNow in the next term, and not because followers missed a leader.
  expect(after.raft.term).toBe(before.raft.term + 1);
  expect(cluster.logOf(before.node)).toContainEqual(
    expect.objectContaining({ event: 'transfer-before-stop', outcome: 'handed-over' }),
  );
  expect(history.writeGapMs(askedMs, performance.now())).toBeGreaterThan(0);
  const verdict = await verify(cluster, 'stops.writes', [history]);
  expect(verdict.violations).toEqual([]);
});

test('a second process of the same node is refused, and the first goes on', async () => {
  const config = join(cluster.directory, 'n1', 'node.yaml');
  const ended = await runCommand(['node', '--config', config]);

  expect(ended.status).toBeOneOf([11, 13]);
  expect(ended.output).toMatch(/PORT_TAKEN|DATA_IN_USE/);
  expect(ended.output).not.toMatch(/\n {4}at /);
  await cluster.settled();
});

test('a data folder that cannot be made is refused by name', async () => {
  const ended = await runCommand(['up', '--data-dir', '/proc/binraft', '--base-port', '29800']);

  expect(ended).toMatchObject({ status: 14 });
  expect(ended.output).toContain('DATA_NOT_WRITABLE');
  expect(ended.output).toContain('/proc/binraft');
  expect(ended.output).not.toMatch(/\n {4}at /);
});

test('a file in place of the data folder is refused by name', async () => {
  const ended = await runCommand([
    'up',
    '--data-dir',
    join(cluster.directory, 'app.password'),
    '--base-port',
    '29800',
  ]);

  expect(ended).toMatchObject({ status: 12 });
  expect(ended.output).toContain('app.password');
});
