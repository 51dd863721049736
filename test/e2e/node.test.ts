import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type ClusterLatency,
  type CommitStage,
  commitStages,
  type LatencyReport,
} from '../../admin/latency-report.ts';
import type { NodeStatus } from '../../admin/node-status.ts';
import { countedBetween, quantileUs } from '../../base/histogram-snapshot.ts';
import { youngGenerationFlags } from '../../cli/heap-growth.ts';
import { verify } from '../kill/verify.ts';
import { Workload } from '../kill/workload.ts';
import { connectApp } from '../support/app-connection.ts';
import { BinraftCluster } from '../support/binraft-cluster.ts';
import { eventually } from '../support/eventually.ts';
import { kill, processesNaming } from '../support/processes.ts';
import { runCommand } from '../support/run-command.ts';

// One node of a real deployment: how it is stopped, and what it refuses.

const timedInserts = 200;
const timedSessions = 20;
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

test('latency shows where the time of commits went: a sample per commit and stage, which add up to what the client waited', async () => {
  const leader = await cluster.leader();
  const before = await latencyOf(leader.ports.admin);
  await using session = await connectApp(cluster, leader.ports.readWrite);
  await session.query('CREATE TABLE stops.timed (id INT PRIMARY KEY)');
  const waitedMs: number[] = [];
  for (let id = 1; id <= timedInserts; id += 1) {
    const begunMs = performance.now();
    await session.query(`INSERT INTO stops.timed VALUES (${id})`);
    waitedMs.push(performance.now() - begunMs);
  }
  const after = await latencyOf(leader.ports.admin, before);

  const medianMs = (stage: CommitStage): number => {
    const counted = countedBetween(before.stages[stage], after.stages[stage]);
    // One commit more is the table's. What the server does on its own account may add a few.
    expect(counted.count).toBeGreaterThanOrEqual(timedInserts + 1);
    expect(counted.count).toBeLessThanOrEqual(timedInserts + 10);
    return (quantileUs(counted, 0.5) ?? 0) / 1000;
  };
  // Beside the way of the client, not on it.
  expect(medianMs('propose-to-durable')).toBeGreaterThan(0);
  const onTheWay = [
    'binlog-to-bridge',
    'propose-to-quorum',
    'quorum-to-ack',
    'ack-to-client',
  ] as const;
  const sumMs = onTheWay.map(medianMs).reduce((sum, ms) => sum + ms, 0);
  const clientMs = waitedMs.sort((left, right) => left - right)[timedInserts >> 1] ?? 0;
  expect(sumMs).toBeGreaterThan(clientMs / 4);
  expect(sumMs).toBeLessThan(clientMs * 2);

  // Commits of many sessions share groups, and so acks: each has its own samples all the same.
  await Promise.all(Array.from({ length: timedSessions }, (_, at) => insertBatch(leader, at)));
  const shared = await latencyOf(leader.ports.admin, after);
  for (const stage of commitStages) {
    const { count } = countedBetween(after.stages[stage], shared.stages[stage]);
    expect(count, stage).toBeGreaterThanOrEqual(timedInserts);
    expect(count, stage).toBeLessThanOrEqual(timedInserts + 10);
  }

  const admin = `127.0.0.1:${leader.ports.admin}`;
  const json = await runCommand(['latency', '--seconds', '0', '--json', '--admin', admin]);
  const { nodes } = JSON.parse(json.output) as ClusterLatency;
  for (const member of nodes) {
    // A follower writes the same entries, in fewer writes where they come together.
    expect(member).toMatchObject({
      kind: 'reached',
      report: { logWrite: { sumUs: expect.any(Number) } },
    });
    expect(member.kind === 'reached' && member.report.logWrite.count).toBeGreaterThan(
      timedInserts / 4,
    );
  }
  const table = await runCommand(['latency', '--seconds', '0', '--admin', admin]);
  expect(table.output).toMatch(
    new RegExp(`commits on ${leader.node} .*ack → client +\\d{3}.*█`, 's'),
  );
  expect(table.output).toMatch(/n1 .*n2 .*n3 /s);
  expect(table.output).not.toContain('\u001b');
  const idle = await runCommand(['latency', '--seconds', '1', '--admin', admin]);
  expect(idle).toMatchObject({
    status: 0,
    output: expect.stringContaining('no commit got through in 1 s'),
  });

  const metrics = await (await fetch(`http://${admin}/metrics`)).text();
  expect(metrics).toMatch(/binraft_commit_stage_seconds_count\{stage="ack-to-client"\} \d{3}/);
  expect(metrics).toMatch(/binraft_log_write_seconds_count \d{2}/);
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

test('up bounds the young generations of its nodes on their command line, where alone V8 looks', async () => {
  for (const { id } of cluster.nodes) {
    const { pid } = await cluster.nodeStatus(id);
    for (const flag of youngGenerationFlags) expect(processesNaming(flag)).toContain(pid);
  }
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

async function insertBatch({ ports }: NodeStatus, at: number): Promise<void> {
  await using session = await connectApp(cluster, ports.readWrite);
  for (let count = 1; count <= timedInserts / timedSessions; count += 1) {
    await session.query(`INSERT INTO stops.timed VALUES (${(at + 1) * 1000 + count})`);
  }
}

/** Once what a quorum of others held first is on the leader's own disk too. */
/** With `since`: once all that was inserted since then is counted; an answer is counted just after it has left. */
async function latencyOf(adminPort: number, since?: LatencyReport): Promise<LatencyReport> {
  return await eventually(async () => {
    const response = await fetch(`http://127.0.0.1:${adminPort}/latency`);
    const report = (await response.json()) as LatencyReport;
    const { stages } = report;
    const received = stages['binlog-to-bridge'].count;
    const isSettled =
      stages['propose-to-durable'].count === received && stages['quorum-to-ack'].count === received;
    const answered = stages['ack-to-client'].count - (since?.stages['ack-to-client'].count ?? 0);
    return isSettled && (since === undefined || answered >= timedInserts) ? report : null;
  }, 'every commit received is on disk and acked');
}
