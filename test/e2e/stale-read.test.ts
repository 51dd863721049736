import type { RowDataPacket } from 'mysql2/promise';
import { expect, test } from 'vitest';
import { connectApp, runAsApp } from '../support/app-connection.ts';
import { BinraftCluster } from '../support/binraft-cluster.ts';
import { eventually } from '../support/eventually.ts';
import { kill, pause } from '../support/processes.ts';

// H15, C8. Goal: who reads through the old leader's read-write port while its sidecar is stopped and goes on never gets a value
// older than one already acknowledged. Method: a register that only grows; readers note what was acknowledged before they asked.

test('a paused leader never answers with a value older than one already acknowledged (C8, H15, N5)', async () => {
  await using cluster = await BinraftCluster.start({ basePort: 24_500 });
  const old = await cluster.leader();
  await runAsApp(cluster, [
    'CREATE DATABASE IF NOT EXISTS register',
    'CREATE TABLE IF NOT EXISTS register.one (id INT PRIMARY KEY, value INT NOT NULL)',
    'INSERT IGNORE INTO register.one VALUES (1, 0)',
  ]);
  let acked = 0;
  let next = 1;
  let isOver = false;
  const violations: string[] = [];
  let reads = 0;

  using _clients = {
    [Symbol.dispose]: () => {
      isOver = true;
    },
  };
  const reading = Promise.all(Array.from({ length: 4 }, () => readOn(old.ports.readWrite)));
  // A session at a paused node hangs with it, and any node may be the second to be paused.
  const writing = Promise.all(cluster.nodes.map((node) => writeOn(node.readWritePort)));
  await eventually(async () => (acked > 50 && reads > 50 ? true : null), 'reads and writes flow');
  for (let round = 0; round < 2; round += 1) {
    const leader = await cluster.leader();
    const ackedBefore = acked;
    await pause(leader.pid);
    await eventually(
      async () => (acked > ackedBefore + 50 ? true : null),
      'another leader takes writes',
    );
    kill(leader.pid, 'SIGCONT');
    const [ackedThen, readsThen] = [acked, reads];
    await eventually(
      async () => (acked > ackedThen + 50 && reads > readsThen + 50 ? true : null),
      'writes and reads go on',
    );
  }
  isOver = true;
  await Promise.all([reading, writing]);

  expect(violations).toEqual([]);
  expect(reads).toBeGreaterThan(100);

  async function readOn(port: number): Promise<void> {
    while (!isOver) {
      try {
        await using session = await connectApp(cluster, port);
        while (!isOver) {
          const atLeast = acked;
          const [rows] = await session.query<RowDataPacket[]>(
            'SELECT value FROM register.one WHERE id = 1',
          );
          const value = Number(rows[0]?.['value']);
          reads += 1;
          if (value < atLeast) violations.push(`read ${value} after ${atLeast} was acknowledged`);
        }
      } catch {
        // The session ended with its primary; the next one waits for the new one.
      }
    }
  }

  async function writeOn(port: number): Promise<void> {
    while (!isOver) {
      try {
        await using session = await connectApp(cluster, port);
        while (!isOver) {
          // Writers overtake each other, and a write of unknown outcome may have happened: the register never shrinks.
          const value = next;
          next += 1;
          await session.query(
            `UPDATE register.one SET value = GREATEST(value, ${value}) WHERE id = 1`,
          );
          acked = Math.max(acked, value);
        }
      } catch {
        // As above.
      }
    }
  }
});
