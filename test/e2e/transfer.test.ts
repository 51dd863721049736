import { expect, test } from 'vitest';
import { verify } from '../kill/verify.ts';
import { Workload } from '../kill/workload.ts';
import { connectApp } from '../support/app-connection.ts';
import { BinraftCluster } from '../support/binraft-cluster.ts';

test('a planned transfer under load loses nothing and restarts no server', async () => {
  await using cluster = await BinraftCluster.start({ basePort: 24_000, isPatient: true });
  await using session = await connectApp(cluster, cluster.nodes[0]?.readWritePort ?? 0);
  await session.query('CREATE DATABASE moves');
  await session.query(
    'CREATE TABLE moves.writes (id VARCHAR(40) PRIMARY KEY, writer_note VARCHAR(80))',
  );
  const pidsBefore = (await cluster.settled()).map((status) => status.mysql.pid);
  await using workload = new Workload({
    ports: cluster.nodes.map((node) => node.readWritePort),
    user: 'app',
    password: cluster.appPassword,
    writers: 8,
    table: 'moves.writes',
  });

  const leaders: string[] = [(await cluster.leader()).node];
  for (let round = 0; round < 4; round += 1) {
    await workload.progress(100);
    const target = cluster.nodes.find((node) => node.id !== leaders.at(-1))?.id ?? null;
    const report = await cluster.transfer(target);
    expect(report).toMatchObject({ outcome: 'handed-over', to: target });
    await workload.progress(100);
    leaders.push((await cluster.leader()).node);
    expect(leaders.at(-1)).toBe(target);
  }
  const history = await workload.stop();

  const verdict = await verify(cluster, 'moves.writes', [history]);
  expect(verdict.violations).toEqual([]);
  expect((await cluster.settled()).map((status) => status.mysql.pid)).toEqual(pidsBefore);
});

test('a transfer is given up when a transaction stays open past the deadline, and names the session in the way', async () => {
  await using cluster = await BinraftCluster.start({ basePort: 24_000, isPatient: true });
  const leader = await cluster.leader();
  await using session = await connectApp(cluster, leader.ports.readWrite);
  await session.query('CREATE DATABASE moves; CREATE TABLE moves.held (id INT PRIMARY KEY)');
  await session.query('BEGIN');
  await session.query('INSERT INTO moves.held VALUES (1)');

  const report = await cluster.transfer(null);
  await session.query('COMMIT');

  expect(report).toMatchObject({ outcome: 'aborted', reason: expect.stringContaining('app@') });
  await expect(session.query('SELECT id FROM moves.held')).resolves.toMatchObject([
    [{ id: 1 }],
    {},
  ]);
  expect((await cluster.leader()).node).toBe(leader.node);
});
