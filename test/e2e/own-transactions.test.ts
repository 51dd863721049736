import type { RowDataPacket } from 'mysql2/promise';
import { expect, test } from 'vitest';
import { connectApp } from '../support/app-connection.ts';
import { BinraftCluster } from '../support/binraft-cluster.ts';
import { eventually } from '../support/eventually.ts';
import { kill, pause } from '../support/processes.ts';
import { connectRoot } from '../support/root-connection.ts';

// A commit that no quorum had when its server died. Goal: the log alone says whether it happened, and every node says the same,
// the one that wrote it included (G2, G6, H4). Method: both followers are stopped, so that an insert waits; its mysqld is killed; one
// follower goes on, which needs the old leader and its log to elect anybody, so the entry commits in a later term.

test('a commit that its server did not live to see is on every node once the log has it', async () => {
  await using cluster = await BinraftCluster.start({ basePort: 28_000, isPatient: true });
  const leader = await cluster.leader();
  const { pid: mysqld } = leader.mysql;
  await using app = await connectApp(cluster, leader.ports.readWrite);
  await app.query('CREATE DATABASE fate; CREATE TABLE fate.writes (id INT PRIMARY KEY)');
  const settled = await cluster.settled();
  const [first, second] = settled.filter((status) => status.node !== leader.node);
  if (first === undefined || second === undefined) throw new Error('two nodes follow');
  const lastBefore = Math.max(...settled.map(({ raft }) => raft.lastIndex));

  for (const { pid } of [first, second]) await pause(pid);
  const insert = app.query('INSERT INTO fate.writes VALUES (1)').then(
    () => 'acked',
    () => 'unknown',
  );
  await eventually(async () => {
    const { raft } = await cluster.nodeStatus(leader.node);
    return raft.lastIndex > lastBefore ? true : null;
  }, 'the insert is in the log of the leader, and waits');
  kill(mysqld, 'SIGKILL');
  const outcome = await insert;
  kill(first.pid, 'SIGCONT');
  await cluster.leader();
  kill(second.pid, 'SIGCONT');

  const executed = (await cluster.settled()).map((status) => status.mysql.gtidExecuted);
  expect(outcome).toBe('unknown');
  expect(new Set(executed).size).toBe(1);
  for (const node of cluster.nodes) {
    await using root = await connectRoot(node);
    const [rows] = await root.query<RowDataPacket[]>('SELECT id FROM fate.writes');
    expect(rows).toEqual([{ id: 1 }]);
  }
});
