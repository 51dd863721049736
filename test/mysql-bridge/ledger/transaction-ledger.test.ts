import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { silentLogger } from '../../../base/logger.ts';
import { GtidSet } from '../../../mysql-bridge/binlog/gtid-set.ts';
import {
  type LedgerLimits,
  type LedgerPace,
  TransactionLedger,
} from '../../../mysql-bridge/ledger/transaction-ledger.ts';
import { EntryKind } from '../../../raft/core/entry.ts';
import { logIndex } from '../../../raft/core/types.ts';
import { ArrayRaft } from '../../support/array-raft.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { settle } from '../bridge-fakes.ts';
import {
  type BuiltLog,
  buildLog,
  gtidOf,
  payloadOf,
  serverA,
  serverB,
  steps,
} from './log-arbitrary.ts';

const smallLimits: LedgerLimits = { checkpointEntries: 5, markEntries: 3, marksMax: 4 };

function refuseFailure(error: unknown): never {
  throw error;
}

async function openLedger(
  raft: ArrayRaft,
  options: {
    readonly checkpointPath?: string;
    readonly onFailure?: (error: unknown) => void;
    readonly pace?: LedgerPace;
  } = {},
): Promise<TransactionLedger> {
  return await TransactionLedger.open({
    raft,
    checkpointPath: options.checkpointPath ?? null,
    logger: silentLogger,
    limits: smallLimits,
    ...(options.pace !== undefined && { pace: options.pace }),
    onFailure: options.onFailure ?? refuseFailure,
  });
}

async function withFolder(run: (path: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'ledger-'));
  try {
    await run(join(folder, 'ledger.json'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('what is committed and how far it is applied agree with a naive reading of any log', async () => {
  // Goal: fragments, abandoned fragments, no-ops, two servers (HAZARDS G9); commit index and executed set at any place.
  await fc.assert(
    fc.asyncProperty(steps, fc.nat(), fc.nat(), async (plan, commitAt, executedAt) => {
      const log = buildLog(plan);
      const commitIndex = commitAt % (log.entries.length + 1);
      const committed = log.transactions.filter(({ finalIndex }) => finalIndex <= commitIndex);
      const executedCount = executedAt % (committed.length + 1);
      const executed = GtidSet.of(...committed.slice(0, executedCount).map(({ gtid }) => gtid));
      const raft = new ArrayRaft(log.entries);
      const ledger = await openLedger(raft);

      raft.commit(commitIndex);
      await ledger.caughtUpTo(logIndex(commitIndex));

      const all = GtidSet.of(...committed.map(({ gtid }) => gtid));
      expect(ledger.committed.toString()).toBe(all.toString());
      expect(ledger.ledgerIndex).toBe(commitIndex);
      expect(ledger.lastTransaction?.gtid).toEqual(committed.at(-1)?.gtid);
      const missing = committed[executedCount];
      const applied = await ledger.indexOfApplied(executed);
      if (missing !== undefined) expect(applied).toBe(missing.firstIndex - 1);
      else expect(applied).toBe(beforeUnfinished(log, commitIndex));
      await ledger.close();
    }),
    { numRuns: 150 },
  );
});

/** With everything applied: the commit index, or what is before fragments at its end that may still become a transaction. */
function beforeUnfinished(log: BuiltLog, commitIndex: number): number {
  const isCovered = (at: number): boolean =>
    log.transactions.some(
      ({ firstIndex, finalIndex }) =>
        firstIndex <= at && at <= finalIndex && finalIndex <= commitIndex,
    );
  let index = commitIndex;
  while (log.entries[index - 1]?.kind === EntryKind.data && !isCovered(index)) index -= 1;
  return index;
}

test('holes in the executed set are found wherever they are', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.infiniteStream(fc.boolean()), async (plan, choices) => {
      const log = buildLog(plan);
      const executed = log.transactions.filter(() => choices.next().value === true);
      const raft = new ArrayRaft(log.entries);
      const ledger = await openLedger(raft);
      raft.commit();
      await ledger.caughtUpTo(logIndex(log.entries.length));

      const set = GtidSet.of(...executed.map(({ gtid }) => gtid));
      const first = await ledger.firstIndexToSend(set);

      const missing = log.transactions.find(({ gtid }) => !set.has(gtid));
      if (missing !== undefined) expect(first).toBe(missing.firstIndex);
      else expect(first).toBeGreaterThan(log.transactions.at(-1)?.finalIndex ?? 0);
      await ledger.close();
    }),
    { numRuns: 100 },
  );
});

test('the first transaction that is missing is named, and a gap if one behind it is there (HAZARDS G6)', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.array(fc.boolean(), { minLength: 1 }), async (plan, choices) => {
      const log = buildLog(plan);
      const raft = new ArrayRaft(log.entries);
      const ledger = await openLedger(raft);
      raft.commit();
      await ledger.caughtUpTo(logIndex(log.entries.length));
      const isThere = log.transactions.map((_, place) => choices[place % choices.length] === true);
      const errant = gtidOf(1_000_000);
      const executed = GtidSet.of(
        ...log.transactions.filter((_, place) => isThere[place]).map(({ gtid }) => gtid),
        errant,
      );

      const first = isThere.indexOf(false);
      const hasLater = first !== -1 && isThere.includes(true, first);
      const expected =
        first === -1 ? null : { gtid: log.transactions[first]?.gtid, isGap: hasLater };
      expect(await ledger.missingIn(executed)).toEqual(expected);
      await ledger.close();
    }),
    { numRuns: 100 },
  );
});

test('a ledger opened from any checkpoint is the ledger that read everything', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.nat(), async (plan, commitAt) => {
      const log = buildLog(plan);
      const commitIndex = commitAt % (log.entries.length + 1);
      await withFolder(async (checkpointPath) => {
        const raft = new ArrayRaft(log.entries);
        const first = await openLedger(raft, { checkpointPath });
        raft.commit(commitIndex);
        await first.caughtUpTo(logIndex(commitIndex));
        await first.close();

        const second = await openLedger(raft, { checkpointPath });
        raft.commit();
        await second.caughtUpTo(logIndex(log.entries.length));

        const whole = await openLedger(raft);
        await whole.caughtUpTo(logIndex(log.entries.length));
        expect(second.committed.toString()).toBe(whole.committed.toString());
        expect(second.logHash).toBe(whole.logHash);
        expect(second.lastTransaction).toEqual(whole.lastTransaction);
        await Promise.all([second.close(), whole.close()]);
      });
    }),
    { numRuns: 40 },
  );
});

function logOf(count: number, fromNumber = 1): ArrayRaft {
  const raft = new ArrayRaft();
  for (let number = fromNumber; number < fromNumber + count; number += 1) {
    raft.append(1, payloadOf(gtidOf(number)));
  }
  return raft;
}

test('an open with a checkpoint reads only what is behind it', async () => {
  await withFolder(async (checkpointPath) => {
    const raft = logOf(100);
    const first = await openLedger(raft, { checkpointPath });
    raft.commit(90);
    await first.caughtUpTo(logIndex(90));
    await first.close();
    raft.readCount = 0;

    const second = await openLedger(raft, { checkpointPath });

    expect(second.ledgerIndex).toBe(90);
    // The one entry that proves the checkpoint to be of this log.
    expect(raft.readCount).toBe(1);
    await second.close();
  });
});

test('a checkpoint is known to be committed even before Raft has learned so after a start', async () => {
  await withFolder(async (checkpointPath) => {
    const raft = logOf(10);
    const first = await openLedger(raft, { checkpointPath });
    raft.commit();
    await first.caughtUpTo(logIndex(10));
    await first.close();
    raft.change({ commitIndex: logIndex(0) });

    const second = await openLedger(raft, { checkpointPath });

    expect(second.hasTransaction(gtidOf(10))).toBe(true);
    // What Raft is told never runs ahead of what Raft knows.
    expect(await second.indexOfApplied(second.committed)).toBe(0);
    await second.close();
  });
});

test.each([
  ['is of another log', () => logOf(10, 100)],
  ['covers more than the log holds', () => logOf(5)],
])('a checkpoint that %s is refused and the log is read instead', async (_name, otherLog) => {
  await withFolder(async (checkpointPath) => {
    const raft = logOf(10);
    const first = await openLedger(raft, { checkpointPath });
    raft.commit();
    await first.caughtUpTo(logIndex(10));
    await first.close();

    const other = otherLog();
    const second = await openLedger(other, { checkpointPath });

    expect(second.ledgerIndex).toBe(0);
    other.commit();
    await second.caughtUpTo(other.status.lastIndex);
    expect(second.committed.count).toBe(BigInt(other.status.lastIndex));
    await second.close();
  });
});

test('a damaged checkpoint is refused and the log is read instead (HAZARDS N7)', async () => {
  await withFolder(async (checkpointPath) => {
    const raft = logOf(10);
    raft.commit();
    const first = await openLedger(raft, { checkpointPath });
    await first.caughtUpTo(logIndex(10));
    await first.close();
    const text = await readFile(checkpointPath, 'utf8');
    await writeFile(checkpointPath, text.replace('"transactionCount":10', '"transactionCount":11'));

    const second = await openLedger(raft, { checkpointPath });

    expect(second.ledgerIndex).toBe(0);
    await second.caughtUpTo(logIndex(10));
    await second.close();
  });
});

test('a compacted log without a checkpoint cannot be opened', async () => {
  const raft = logOf(10);
  raft.change({ firstIndex: logIndex(4) });

  await expect(openLedger(raft)).rejects.toMatchObject({ code: 'MYSQL_LEDGER_LOG_COMPACTED' });
});

test('a transaction that is executed and not in the log is errant (HAZARDS G5, H26)', async () => {
  const raft = logOf(3);
  raft.commit();
  const ledger = await openLedger(raft);
  await ledger.caughtUpTo(logIndex(3));

  const errant = ledger.errantOf(GtidSet.parse(`${serverA}:1-5,${serverB}:7`));

  expect(errant.toString()).toBe(`${serverA}:4-5,\n${serverB}:7`);
  await ledger.close();
});

test('applied stops at the first missing transaction and moves with the executed set', async () => {
  const raft = logOf(50);
  raft.commit();
  const ledger = await openLedger(raft);
  await ledger.caughtUpTo(logIndex(50));

  const answers: number[] = [];
  for (const last of [1, 10, 10, 49, 50]) {
    answers.push(await ledger.indexOfApplied(GtidSet.parse(`${serverA}:1-${last}`)));
  }
  // A server that was rebuilt has less than before.
  answers.push(await ledger.indexOfApplied(GtidSet.parse(`${serverA}:1-2`)));

  expect(answers).toEqual([1, 10, 10, 49, 50, 2]);
  await ledger.close();
});

test('asking again costs only what was applied since', async () => {
  const raft = logOf(200);
  raft.commit();
  const ledger = await openLedger(raft);
  await ledger.caughtUpTo(logIndex(200));
  await ledger.indexOfApplied(GtidSet.parse(`${serverA}:1-100`));
  raft.readCount = 0;

  await ledger.indexOfApplied(GtidSet.parse(`${serverA}:1-100`));

  // One batch begins behind the last answer; it does not begin at the start of the log.
  expect(raft.readCount).toBeLessThanOrEqual(100);
  await ledger.close();
});

test('nobody waits for ever on a ledger that stops', async () => {
  const raft = logOf(1);
  const ledger = await openLedger(raft);
  const waiting = ledger.caughtUpTo(logIndex(1));
  const refused = expect(waiting).rejects.toMatchObject({ code: 'MYSQL_LEDGER_STOPPED' });

  await ledger.close();

  await refused;
  await expect(ledger.caughtUpTo(logIndex(1))).rejects.toMatchObject({
    code: 'MYSQL_LEDGER_STOPPED',
  });
  expect(raft.listenerCount).toBe(0);
});

test('an entry that is no payload stops the ledger and is reported', async () => {
  const raft = new ArrayRaft();
  raft.append(1, Uint8Array.of(99));
  const failures: unknown[] = [];
  const ledger = await openLedger(raft, { onFailure: (error) => failures.push(error) });

  raft.commit();

  await expect(ledger.caughtUpTo(logIndex(1))).rejects.toMatchObject({
    code: 'MYSQL_LEDGER_STOPPED',
  });
  expect(failures).toMatchObject([{ code: 'MYSQL_ENTRY_PAYLOAD_MALFORMED' }]);
  await ledger.close();
});

/** Three transactions in the log, none committed, and a ledger that pauses for 10 ms. */
async function pacedLedger(): Promise<{
  readonly raft: ArrayRaft;
  readonly ledger: TransactionLedger;
  readonly clock: FakeClock;
  readonly advances: number[];
}> {
  const raft = new ArrayRaft();
  for (const number of [1, 2, 3, 4]) raft.append(1, payloadOf(gtidOf(number)));
  const clock = new FakeClock();
  const ledger = await openLedger(raft, { pace: { clock, pauseMs: 10 } });
  const advances: number[] = [];
  ledger.onAdvance((index) => advances.push(index));
  return { raft, ledger, clock, advances };
}

test('a commit that comes alone is followed at once, those behind it together', async () => {
  const { raft, ledger, clock, advances } = await pacedLedger();

  raft.commit(1);
  await settle();
  const atOnce = [...advances];
  raft.commit(2);
  raft.commit(3);
  await settle();
  clock.advance(9);
  await settle();
  const inThePause = [...advances];
  clock.advance(1);
  await settle();
  const behindIt = [...advances];
  clock.advance(10);
  raft.commit(4);
  await settle();

  expect([atOnce, inThePause, behindIt]).toEqual([[1], [1], [1, 3]]);
  expect(advances).toEqual([1, 3, 4]);
  await ledger.close();
});

test('who asks for a commit does not wait for a pause, nor for one that begins meanwhile', async () => {
  const { raft, ledger, advances } = await pacedLedger();
  raft.commit(1);
  await settle();
  raft.commit(2);

  await ledger.caughtUpTo(logIndex(2));
  const fourth = ledger.caughtUpTo(logIndex(4));
  raft.commit(3);
  await settle();
  const meanwhile = [...advances];
  raft.commit(4);
  await fourth;

  expect(meanwhile).toEqual([1, 2, 3]);
  expect(ledger.ledgerIndex).toBe(4);
  await ledger.close();
});

test('a ledger that is closed in a pause reads nothing more', async () => {
  const { raft, ledger, clock, advances } = await pacedLedger();
  raft.commit(1);
  await settle();
  raft.commit(2);

  await ledger.close();
  clock.advance(100);
  await settle();

  expect(advances).toEqual([1]);
});
