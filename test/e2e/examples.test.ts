import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { RowDataPacket } from 'mysql2/promise';
import { expect, test } from 'vitest';
import { strikeLeader } from '../kill/faults.ts';
import { connectApp } from '../support/app-connection.ts';
import { BinraftCluster } from '../support/binraft-cluster.ts';
import { eventually } from '../support/eventually.ts';

const orders = 400;
const example = fileURLToPath(new URL('../../examples/orders.ts', import.meta.url));

test('the example places every order once while the leader is killed', async () => {
  await using cluster = await BinraftCluster.start({ basePort: 30_500 });
  const port = cluster.nodes[0]?.readWritePort ?? 0;
  const ended = promisify(execFile)(process.execPath, [
    example,
    cluster.directory,
    String(orders),
    String(port),
  ]);
  // Its failure is told when it is asked for, below.
  ended.catch(() => undefined);
  await eventually(async () => ((await placed(cluster)) > 20 ? true : null), 'orders come in');
  await strikeLeader(cluster, 'both');
  const { stdout } = await ended;

  expect(stdout).toContain(`${orders} orders placed once each`);
  expect(await eventually(() => placed(cluster), 'the orders can be counted')).toBe(orders);
});

async function placed(cluster: BinraftCluster): Promise<number> {
  const leader = await cluster.leader();
  await using session = await connectApp(cluster, leader.ports.readWrite);
  const [rows] = await session.query<RowDataPacket[]>('SELECT COUNT(*) AS n FROM shop.orders');
  return Number(rows[0]?.['n']);
}
