import { expect, test } from 'vitest';
import { verify } from '../kill/verify.ts';
import { Workload, type WriteHistory } from '../kill/workload.ts';
import { runAsApp } from '../support/app-connection.ts';
import { BinraftCluster } from '../support/binraft-cluster.ts';

// Goal: a start after everything was killed at once has everything acknowledged. Method: writers write, every process of every
// node gets SIGKILL, the same command starts the cluster again; twice, the second time into the recovery of the first (N3).

test('after kill -9 of every process at once the next start has everything acknowledged (G3)', async () => {
  await using cluster = await BinraftCluster.start({ basePort: 23_500 });
  await runAsApp(cluster, [
    'CREATE DATABASE IF NOT EXISTS power',
    'CREATE TABLE IF NOT EXISTS power.cuts (id VARCHAR(40) PRIMARY KEY, writer_note VARCHAR(80))',
  ]);
  const histories: WriteHistory[] = [];
  for (let cut = 0; cut < 2; cut += 1) {
    await using workload = new Workload({
      ports: cluster.nodes.map((node) => node.readWritePort),
      user: 'app',
      password: cluster.appPassword,
      writers: 8,
      table: 'power.cuts',
      idPrefix: `${cut}-`,
    });
    await workload.progress(300);

    await cluster.killEverything();

    histories.push(await workload.stop());
    await cluster.up();
  }

  const verdict = await verify(cluster, 'power.cuts', histories);

  expect(verdict.violations).toEqual([]);
  expect(verdict.acked).toBeGreaterThanOrEqual(600);
});
