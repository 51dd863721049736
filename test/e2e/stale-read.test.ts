import type { ResultSetHeader, RowDataPacket } from 'mysql2/promise';
import { expect, test } from 'vitest';
import { connectApp, runAsApp } from '../support/app-connection.ts';
import { BinraftCluster } from '../support/binraft-cluster.ts';
import { eventually } from '../support/eventually.ts';
import { kill, pause } from '../support/processes.ts';

// H15, C8. Goal: who reads through the old leader's read-write port while its sidecar is stopped and goes on never gets a value
// older than one already acknowledged. Method: a register that only grows; readers note what was acknowledged before they asked. They
// read by itself, under a lock within a transaction, and by an UPDATE that changes nothing: it begins as one that commits does, so that its
// own commit is expected to confirm its answer, and none comes.

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
  let lockedReads = 0;
  let idleUpdates = 0;

  using _clients = {
    [Symbol.dispose]: () => {
      isOver = true;
    },
  };
  const reading = Promise.all([
    ...Array.from({ length: 2 }, () => readOn(old.ports.readWrite)),
    readLockedOn(old.ports.readWrite),
    updateIdlyOn(old.ports.readWrite),
  ]);
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
  expect(lockedReads).toBeGreaterThan(10);
  expect(idleUpdates).toBeGreaterThan(10);

  /** Again and again, in sessions that end with their primary. */
  async function onSessions(
    port: number,
    use: (session: Awaited<ReturnType<typeof connectApp>>) => Promise<void>,
  ): Promise<void> {
    while (!isOver) {
      try {
        await using session = await connectApp(cluster, port);
        while (!isOver) await use(session);
      } catch {
        // The next one waits for the new primary.
      }
    }
  }

  function readOn(port: number): Promise<void> {
    return onSessions(port, async (session) => {
      const atLeast = acked;
      const [rows] = await session.query<RowDataPacket[]>(
        'SELECT value FROM register.one WHERE id = 1',
      );
      reads += 1;
      judge('read', rows, atLeast);
    });
  }

  function readLockedOn(port: number): Promise<void> {
    return onSessions(port, async (session) => {
      await session.query('START TRANSACTION');
      const atLeast = acked;
      const [rows] = await session.query<RowDataPacket[]>(
        'SELECT value FROM register.one WHERE id = 1 FOR UPDATE',
      );
      lockedReads += 1;
      judge('read under a lock', rows, atLeast);
      await session.query('ROLLBACK');
    });
  }

  function updateIdlyOn(port: number): Promise<void> {
    return onSessions(port, async (session) => {
      await grow(session);
      const atLeast = acked;
      const [{ affectedRows }] = await session.query<ResultSetHeader>(
        `UPDATE register.one SET value = value WHERE id = 1 AND value >= ${atLeast}`,
      );
      idleUpdates += 1;
      // mysql2 asks for rows found, not changed.
      if (affectedRows !== 1) violations.push(`found no ${atLeast}, which was acknowledged`);
    });
  }

  function judge(how: string, rows: readonly RowDataPacket[], atLeast: number): void {
    const value = Number(rows[0]?.['value']);
    if (value < atLeast) violations.push(`${how} ${value} after ${atLeast} was acknowledged`);
  }

  /** Writers overtake each other, and a write of unknown outcome may have happened: the register never shrinks. */
  async function grow(session: Awaited<ReturnType<typeof connectApp>>): Promise<void> {
    const value = next;
    next += 1;
    await session.query(`UPDATE register.one SET value = GREATEST(value, ${value}) WHERE id = 1`);
    acked = Math.max(acked, value);
  }

  function writeOn(port: number): Promise<void> {
    return onSessions(port, grow);
  }
});
