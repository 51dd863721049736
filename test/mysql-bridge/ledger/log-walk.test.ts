import fc from 'fast-check';
import { expect, test } from 'vitest';
import { silentLogger } from '../../../base/logger.ts';
import {
  decodeEntryPayload,
  encodeEntryPayload,
} from '../../../mysql-bridge/binlog/entry-payload.ts';
import type { Gtid } from '../../../mysql-bridge/binlog/gtid.ts';
import type { LoggedContent } from '../../../mysql-bridge/binlog-comparison.ts';
import { LogWalk } from '../../../mysql-bridge/ledger/log-walk.ts';
import { TransactionLedger } from '../../../mysql-bridge/ledger/transaction-ledger.ts';
import { logIndex } from '../../../raft/core/types.ts';
import { ArrayRaft } from '../../support/array-raft.ts';
import {
  type BuiltLog,
  buildLog,
  gtidOf,
  type Step,
  serverA,
  serverB,
  steps,
} from './log-arbitrary.ts';

const markEntries = 3;

test('what is asked for in the order of the log is found, byte by byte, in any log (G9)', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.infiniteStream(fc.boolean()), async (plan, wanted) => {
      const log = buildLog(plan);
      const { raft, ledger } = await opened(log);
      const walk = new LogWalk({ log: raft, ledger });

      for (const transaction of log.transactions) {
        if (wanted.next().value !== true) continue;
        const found = await walk.find(transaction.gtid);

        const fragments = log.entries.slice(transaction.firstIndex - 1, transaction.finalIndex);
        expect(await bytesOf(found)).toEqual(
          fragments.flatMap(({ payload }) => [...decodeEntryPayload(payload).events]),
        );
      }
      await ledger.close();
    }),
    { numRuns: 200 },
  );
});

test('a transaction that the log has before the one asked for last is not behind it', async () => {
  const { raft, ledger } = await opened(buildLog(numbered(serverA, 9)));
  const walk = new LogWalk({ log: raft, ledger });

  expect(await walk.find(gtidOf(8, serverA))).toMatchObject({ kind: 'found' });
  expect(await walk.find(gtidOf(7, serverA))).toEqual({ kind: 'not-behind' });
});

test('what was committed since the walk came to the end is found', async () => {
  const log = buildLog(numbered(serverA, 9));
  const { raft, ledger } = await opened(log, 8);
  const walk = new LogWalk({ log: raft, ledger });
  const first = await walk.find(gtidOf(8, serverA));
  const uncommitted = await walk.find(gtidOf(9, serverA));

  raft.commit();
  await ledger.caughtUpTo(raft.status.lastIndex);

  expect([first.kind, uncommitted.kind]).toEqual(['found', 'not-behind']);
  expect(await walk.find(gtidOf(9, serverA))).toMatchObject({ kind: 'found' });
});

test('a long stretch of others between two transactions is leapt over', async () => {
  const others = numbered(serverB, 500);
  const plan = [...numbered(serverA, 2), ...others, ...numbered(serverA, 1)];
  const { raft, ledger } = await opened(buildLog(plan, payloadOf4KiB));
  const walk = new LogWalk({ log: raft, ledger });
  const readByLedger = raft.readCount;

  const kinds = [];
  for (const number of [1, 2, 3]) kinds.push((await walk.find(gtidOf(number, serverA))).kind);

  expect(kinds).toEqual(['found', 'found', 'found']);
  // A batch is 256 KiB: one from the front, and a short one from the last mark.
  expect(raft.readCount - readByLedger).toBeLessThan(64 + 2 * markEntries);
});

test('what is behind no mark that the log still holds is not compared', async () => {
  const { raft, ledger } = await opened(buildLog(numbered(serverA, 20)));
  raft.change({ firstIndex: logIndex(10) });
  const walk = new LogWalk({ log: raft, ledger });

  expect(await walk.find(gtidOf(3, serverA))).toEqual({ kind: 'compacted' });
  expect(await walk.find(gtidOf(19, serverA))).toMatchObject({ kind: 'found' });
});

function payloadOf4KiB(gtid: Gtid): Uint8Array {
  const events = new Uint8Array(4096);
  const transactionBytes = BigInt(events.length);
  return encodeEntryPayload({ gtid, fragment: 0, isFinal: true, transactionBytes, events });
}

function numbered(server: string, count: number): Step[] {
  return Array.from({ length: count }, () => ({ kind: 'transaction', server, fragments: 1 }));
}

async function opened(
  log: BuiltLog,
  commitIndex: number = log.entries.length,
): Promise<{ readonly raft: ArrayRaft; readonly ledger: TransactionLedger }> {
  const raft = new ArrayRaft(log.entries);
  raft.commit(commitIndex);
  const ledger = await TransactionLedger.open({
    raft,
    checkpointPath: null,
    logger: silentLogger,
    limits: { checkpointEntries: 1000, markEntries, marksMax: 512 },
    onFailure: (error) => {
      throw error;
    },
  });
  await ledger.caughtUpTo(logIndex(commitIndex));
  return { raft, ledger };
}

async function bytesOf(content: LoggedContent): Promise<readonly number[]> {
  if (content.kind !== 'found') throw new Error(`it is ${content.kind}`);
  const bytes: number[] = [];
  for await (const piece of content.events) bytes.push(...piece);
  return bytes;
}
