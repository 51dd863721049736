import fc from 'fast-check';
import { expect, test } from 'vitest';
import { concatBytes } from '../../../base/bytes.ts';
import { formatGtid } from '../../../mysql-bridge/binlog/gtid.ts';
import { GtidSet } from '../../../mysql-bridge/binlog/gtid-set.ts';
import { BinlogDumpFlag } from '../../../mysql-bridge/protocol/commands.ts';
import { logIndex } from '../../../raft/core/types.ts';
import { ArrayRaft } from '../../support/array-raft.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { waitFor } from '../../support/wait-for.ts';
import { buildLog, gtidOf, serverA, serverB, steps } from '../ledger/log-arbitrary.ts';
import {
  type DumpReader,
  eventPayload,
  ledgerOf,
  startDump,
  transactionEvents,
} from './dump-fixtures.ts';

const oneShot = { flags: BinlogDumpFlag.nonBlock };

test('any log arrives in its order, each missing transaction once and whole (HAZARDS C7, G6, G9)', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.nat(), fc.infiniteStream(fc.boolean()), async (plan, at, luck) => {
      const log = buildLog(plan, eventPayload);
      const commitIndex = at % (log.entries.length + 1);
      const committed = log.transactions.filter(({ finalIndex }) => finalIndex <= commitIndex);
      const executed = GtidSet.of(
        ...committed.filter(() => luck.next().value === true).map(({ gtid }) => gtid),
      );
      const raft = new ArrayRaft(log.entries);
      raft.commit(commitIndex);
      const ledger = await ledgerOf(raft);
      await ledger.caughtUpTo(logIndex(commitIndex));

      const clock = new FakeClock();
      const { reader, end } = startDump({ raft, ledger, clock, executed, request: oneShot });
      const ending = await end;

      const missing = committed.filter(({ gtid }) => !executed.has(gtid));
      expect(reader.transactions).toEqual(
        missing.map(({ gtid }) => ({
          gtid: formatGtid(gtid),
          bytes: concatBytes(transactionEvents(gtid)),
        })),
      );
      expect(ending).toEqual({
        kind: 'end-of-log',
        sequence: ((reader.lastSequence ?? 0) + 1) & 0xff,
      });
      expectAscendingClock(reader);
      await ledger.close();
    }),
    { numRuns: 150 },
  );
});

test('a one-shot dump has all that was committed before it, though the ledger is in a pause', async () => {
  const raft = new ArrayRaft();
  for (const number of [1, 2]) raft.append(1, eventPayload(gtidOf(number)));
  const clock = new FakeClock();
  const ledger = await ledgerOf(raft, { clock, pauseMs: 10 });
  raft.commit(1);
  await ledger.caughtUpTo(logIndex(1));
  raft.commit(2);

  const { reader, end } = startDump({ raft, ledger, clock, request: oneShot });
  await end;

  expect(reader.transactions.map(({ gtid }) => gtid)).toEqual(
    [1, 2].map((number) => formatGtid(gtidOf(number))),
  );
  await ledger.close();
});

/** Within a file: one server, ascending sequence numbers; each file begins with its format. */
function expectAscendingClock(reader: DumpReader): void {
  let last: { readonly serverId: number; readonly sequence: bigint } | null = null;
  reader.events.forEach(({ header, body }, at) => {
    if (body.kind === 'rotate') {
      last = null;
      expect(reader.events[at + 1]?.body.kind).toBe('format-description');
    }
    if (body.kind !== 'gtid') return;
    if (last !== null) {
      expect(header.serverId).toBe(last.serverId);
      expect(body.sequenceNumber).toBeGreaterThan(last.sequence);
    }
    last = { serverId: header.serverId, sequence: body.sequenceNumber };
  });
}

test('what commits later follows without being asked for, and nothing before it commits', async () => {
  const raft = new ArrayRaft();
  const ledger = await ledgerOf(raft);
  const { reader, abort } = startDump({ raft, ledger, clock: new FakeClock() });
  for (let number = 1; number <= 3; number += 1) raft.append(1, eventPayload(gtidOf(number)));

  raft.commit(2);
  await waitFor(() => expect(reader.transactions).toHaveLength(2));
  await ledger.caughtUpTo(logIndex(2));
  expect(reader.transactions).toHaveLength(2);

  raft.commit(3);
  await waitFor(() => expect(reader.transactions).toHaveLength(3));
  abort.abort();
  await ledger.close();
});

test('fragments wait until the final one is committed (HAZARDS G9)', async () => {
  const raft = new ArrayRaft();
  const ledger = await ledgerOf(raft);
  const { reader, stream, abort } = startDump({ raft, ledger, clock: new FakeClock() });
  raft.append(1, eventPayload(gtidOf(1)));
  for (let fragment = 0; fragment < 3; fragment += 1) {
    raft.append(1, eventPayload(gtidOf(2), { fragment, fragments: 3 }));
  }

  raft.commit(3);
  await waitFor(() => expect(stream.nextIndex).toBe(2));
  expect(reader.transactions).toHaveLength(1);

  raft.commit(4);
  await waitFor(() => expect(reader.transactions).toHaveLength(2));
  expect(reader.isBetweenTransactions).toBe(true);
  abort.abort();
  await ledger.close();
});

test('fragments of a leader that lost its term are never sent', async () => {
  const raft = new ArrayRaft();
  const ledger = await ledgerOf(raft);
  const { reader, abort } = startDump({ raft, ledger, clock: new FakeClock() });
  raft.append(1, eventPayload(gtidOf(1), { fragment: 0, fragments: 2 }));
  raft.commit();
  raft.append(2, null);
  raft.append(2, eventPayload(gtidOf(1, serverB)));

  raft.commit();

  await waitFor(() => expect(reader.transactions).toHaveLength(1));
  expect(reader.transactions[0]?.gtid).toBe(`${serverB}:1`);
  abort.abort();
  await ledger.close();
});

test('a replica that waits hears a heartbeat per period, at the position it has counted', async () => {
  const raft = new ArrayRaft();
  raft.append(1, eventPayload(gtidOf(1)));
  raft.commit();
  const ledger = await ledgerOf(raft);
  await ledger.caughtUpTo(logIndex(1));
  const clock = new FakeClock();
  const { reader, abort } = startDump({
    raft,
    ledger,
    clock,
    request: { heartbeatPeriodNs: 2_000_000_000n },
  });
  await waitFor(() => expect(reader.transactions).toHaveLength(1));
  const { file, offset } = reader;

  for (let second = 0; second < 6; second += 1) {
    clock.advance(1000);
    await new Promise((resolve) => setImmediate(resolve));
  }

  const heartbeats = reader.events.filter(({ body }) => body.kind === 'heartbeat');
  expect(heartbeats.map(({ body }) => body)).toEqual(
    Array.from({ length: 3 }, () => ({
      kind: 'heartbeat',
      version: 1,
      position: { file, offset: BigInt(offset) },
    })),
  );
  abort.abort();
  await ledger.close();
});

test('a client that does not read stops the reading of the log', async () => {
  const raft = new ArrayRaft();
  for (let number = 1; number <= 400; number += 1) {
    raft.append(1, eventPayload(gtidOf(number), undefined, 64 * 1024));
  }
  raft.commit();
  const ledger = await ledgerOf(raft);
  await ledger.caughtUpTo(logIndex(400));
  raft.readCount = 0;
  const { abort, stream } = startDump({
    raft,
    ledger,
    clock: new FakeClock(),
    write: () => new Promise(() => undefined),
  });

  await waitFor(() => expect(raft.readCount).toBeGreaterThan(0));
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));

  expect(raft.readCount).toBeLessThan(20);
  expect(stream.nextIndex).toBeLessThan(20);
  abort.abort();
  await ledger.close();
});

test('a leader refuses unknown transactions at once and for good (HAZARDS G5)', async () => {
  const raft = new ArrayRaft([], { role: 'leader', leaderReadyIndex: logIndex(0) });
  const ledger = await ledgerOf(raft);
  const executed = GtidSet.parse(`${serverA}:1`);

  const end = await startDump({ raft, ledger, clock: new FakeClock(), executed }).end;

  expect(end).toMatchObject({ kind: 'refused', err: { number: 1236 }, sequence: 1 });
  expect(end.kind === 'refused' && end.err.message).toContain(`${serverA}:1`);
  await ledger.close();
});

test('a replica that is ahead of this node is served once the node has caught up', async () => {
  const raft = new ArrayRaft();
  raft.append(1, eventPayload(gtidOf(1)));
  raft.append(1, eventPayload(gtidOf(2)));
  const ledger = await ledgerOf(raft);
  const executed = GtidSet.parse(`${serverA}:1`);
  const clock = new FakeClock();
  const { reader, abort } = startDump({ raft, ledger, clock, executed });
  clock.advance(500);
  expect(reader.events).toEqual([]);

  raft.commit();

  await waitFor(() => expect(reader.transactions).toHaveLength(1));
  expect(reader.transactions[0]?.gtid).toBe(`${serverA}:2`);
  abort.abort();
  await ledger.close();
});

test.each([
  [true, 1236],
  [false, 1053],
])('past the wait, with the tail decided %s, the answer is %i', async (isTailDecided, number) => {
  const raft = new ArrayRaft([], { isTailDecided });
  const ledger = await ledgerOf(raft);
  const clock = new FakeClock();
  const executed = GtidSet.parse(`${serverA}:1`);
  const { end } = startDump({ raft, ledger, clock, executed });
  const stop = setInterval(() => clock.advance(100), 1);

  expect(await end).toMatchObject({ kind: 'refused', err: { number } });

  clearInterval(stop);
  await ledger.close();
});

test('a replica that needs what was compacted away is refused for good', async () => {
  const raft = new ArrayRaft();
  for (let number = 1; number <= 10; number += 1) raft.append(1, eventPayload(gtidOf(number)));
  raft.commit();
  const ledger = await ledgerOf(raft);
  await ledger.caughtUpTo(logIndex(10));
  raft.change({ firstIndex: logIndex(5) });

  const { end } = startDump({ raft, ledger, clock: new FakeClock() });

  expect(await end).toMatchObject({ kind: 'refused', err: { number: 1236 } });
  await ledger.close();
});

test('a malformed GTID set is refused', async () => {
  const raft = new ArrayRaft();
  const ledger = await ledgerOf(raft);
  const request = { exclude: Uint8Array.of(1, 2, 3) };

  const { end } = startDump({ raft, ledger, clock: new FakeClock(), request });

  expect(await end).toMatchObject({ kind: 'refused', err: { number: 1236 } });
  await ledger.close();
});

test('an event above 16 MiB is split into wire packets that join again (HAZARDS H19)', async () => {
  const rowBytes = 17 * 1024 * 1024;
  const raft = new ArrayRaft();
  for (let fragment = 0; fragment < 3; fragment += 1) {
    raft.append(1, eventPayload(gtidOf(1), { fragment, fragments: 3 }, rowBytes));
  }
  raft.commit();
  const ledger = await ledgerOf(raft);
  await ledger.caughtUpTo(logIndex(3));

  const { reader, end } = startDump({
    raft,
    ledger,
    clock: new FakeClock(),
    request: oneShot,
  });
  await end;

  const [transaction] = reader.transactions;
  const sent = concatBytes(transactionEvents(gtidOf(1), rowBytes));
  expect(Buffer.compare(transaction?.bytes ?? new Uint8Array(0), sent)).toBe(0);
  await ledger.close();
});
