import type { Connection, RowDataPacket } from 'mysql2/promise';
import { expect, test } from 'vitest';
import { RealBridge } from './real-bridge.ts';
import { until } from './source-support.ts';

// An administrator resets the GTIDs of a primary before its bridge has looked at what it executed. HAZARDS G6, N8.

test('a primary whose first transactions are forgotten between two looks, so that its dump stands still, is found out and built anew', async () => {
  await using node = await RealBridge.primary();
  node.clock.hold();
  await until(() => Promise.resolve(node.clock.waiting === 1));
  const writer = await node.mysql.connect();
  await node.committing(() =>
    writer.query('CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY)'),
  );
  await writer.query('RESET BINARY LOGS AND GTIDS');
  const insert = writer.query('INSERT INTO d.t VALUES (1)').catch(() => 'lost');
  const observer = await node.mysql.connect();
  await until(() => hasWaiting(observer));
  const before = node.bridge.state.kind;
  node.clock.release();
  await node.was('rebuilding');
  await node.was('undecided');

  const reason = expect.stringMatching(
    /gtid_executed was reset: .+:1 is missing, the binlog ends in front of what was sent of it/,
  );
  expect(before).toBe('primary');
  expect(node.states).toContainEqual({ kind: 'rebuilding', reason });
  expect(await insert).toBe('lost');
});

/** Whether a commit waits for its ack. */
async function hasWaiting(connection: Connection): Promise<boolean> {
  const [rows] = await connection.query<RowDataPacket[]>(
    "SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_source_wait_sessions'",
  );
  return rows[0]?.['Value'] === '1';
}
