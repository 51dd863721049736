import { describe, expect, test } from 'vitest';
import { AssertionFailure } from '../../base/assert.ts';
import { entryPayloadBytesMax } from '../../log-store/index.ts';
import { EntryKind } from '../../raft/core/entry.ts';
import { logIndex } from '../../raft/core/types.ts';
import type { LogStore } from '../../raft/log-store.ts';
import { checkAgainstModel } from './model.ts';
import { batch, entries, entry, hardState, readAll, rejection, snapshot } from './support.ts';

/** A place where a store lives, opened again and again. */
export interface StorePlace extends AsyncDisposable {
  /** A new store on what the earlier ones left; they are closed by then. */
  open(): Promise<LogStore>;
}

/** The contract of `LogStore` (raft/log-store.ts), for each implementation. */
export function describeLogStore(name: string, makePlace: () => Promise<StorePlace>): void {
  describe(`${name} keeps the contract of a log store`, () => {
    describeContent(makePlace);
    describeWrites(makePlace);
    describeCompaction(makePlace);
    describeReads(makePlace);
    describeEnd(makePlace);

    test('behaves like an array under any sequence of calls and restarts', async () => {
      await checkAgainstModel(makePlace);
    }, 60_000);
  });
}

function describeContent(makePlace: () => Promise<StorePlace>): void {
  test('a new store is empty', async () => {
    await using place = await makePlace();
    const store = await place.open();

    expect(store.opened).toEqual({
      hardState: hardState(0),
      snapshot: null,
      firstIndex: 1,
      lastIndex: 0,
      termRuns: [],
      membershipEntries: [],
    });

    await store.close();
  });

  test('what was written is found by the next to open', async () => {
    await using place = await makePlace();
    const written = [
      entry(1, 1, new Uint8Array(0)),
      { ...entry(2, 1), kind: EntryKind.noOp },
      { ...entry(3, 4, 'a'), kind: EntryKind.membership },
      entry(
        4,
        4,
        Uint8Array.from({ length: 70_000 }, (_, index) => index),
      ),
      entry(5, 9, 'z'),
    ];

    const before = await place.open();
    await before.write(batch({ hardState: hardState(9, 'n2'), entries: written }));
    await before.close();
    const after = await place.open();

    expect(after.opened).toEqual({
      hardState: hardState(9, 'n2'),
      snapshot: null,
      firstIndex: 1,
      lastIndex: 5,
      termRuns: [
        { term: 1, firstIndex: 1 },
        { term: 4, firstIndex: 3 },
        { term: 9, firstIndex: 5 },
      ],
      membershipEntries: [written[2]],
    });
    expect(await readAll(after, 1, 5)).toEqual(written);
    await after.close();
  });

  test('term and vote are kept whatever is written after them (I7, R1)', async () => {
    await using place = await makePlace();

    const before = await place.open();
    await before.write(batch({ hardState: hardState(3, 'n3') }));
    await before.write(batch({ entries: entries(1, 2) }));
    await before.close();
    const after = await place.open();

    expect(after.opened.hardState).toEqual(hardState(3, 'n3'));
    await after.write(batch({ hardState: hardState(4) }));
    await after.close();
    const last = await place.open();
    expect(last.opened.hardState).toEqual(hardState(4, null));
    expect(last.opened.lastIndex).toBe(2);
    await last.close();
  });

  test('the opened state stays what was found at open', async () => {
    await using place = await makePlace();
    const store = await place.open();

    await store.write(batch({ hardState: hardState(1), entries: entries(1, 3) }));

    expect(store.opened.lastIndex).toBe(0);
    expect(store.opened.termRuns).toEqual([]);
    await store.close();
  });
}

function describeWrites(makePlace: () => Promise<StorePlace>): void {
  test('a truncation and what replaces the entries are one write', async () => {
    await using place = await makePlace();

    const before = await place.open();
    await before.write(batch({ entries: [...entries(1, 4, 1), ...entries(5, 8, 2)] }));
    await before.write(
      batch({ hardState: hardState(3), truncateFrom: 4, entries: entries(4, 5, 3) }),
    );
    const expected = [...entries(1, 3, 1), ...entries(4, 5, 3)];
    expect(await readAll(before, 1, 5)).toEqual(expected);
    await before.close();

    const after = await place.open();
    expect(after.opened).toEqual({
      hardState: hardState(3),
      snapshot: null,
      firstIndex: 1,
      lastIndex: 5,
      termRuns: [
        { term: 1, firstIndex: 1 },
        { term: 3, firstIndex: 4 },
      ],
      membershipEntries: [],
    });
    expect(await readAll(after, 1, 5)).toEqual(expected);
    await after.close();
  });

  test('a log truncated to nothing starts again at its first index', async () => {
    await using place = await makePlace();

    const before = await place.open();
    await before.write(batch({ entries: entries(1, 3, 1) }));
    await before.write(batch({ truncateFrom: 1 }));
    await before.close();
    const after = await place.open();
    expect(after.opened).toMatchObject({ firstIndex: 1, lastIndex: 0, termRuns: [] });

    await after.write(batch({ entries: entries(1, 1, 2) }));
    expect(await readAll(after, 1, 1)).toEqual(entries(1, 1, 2));
    await after.close();
  });

  test('a truncation behind the end removes nothing', async () => {
    await using place = await makePlace();
    const store = await place.open();
    await store.write(batch({ entries: entries(1, 2) }));

    await store.write(batch({ truncateFrom: 3, entries: entries(3, 3) }));
    await store.write(batch({ truncateFrom: 90 }));

    expect(await readAll(store, 1, 3)).toEqual(entries(1, 3));
    await store.close();
  });

  test('calls made at once are carried out in their order', async () => {
    await using place = await makePlace();
    const store = await place.open();
    const settled: number[] = [];

    const calls = [
      batch({ entries: entries(1, 10, 1) }),
      batch({ hardState: hardState(2), truncateFrom: 6, entries: entries(6, 7, 2) }),
      batch({ truncateFrom: 3 }),
      batch({ hardState: hardState(5), entries: entries(3, 6, 5) }),
      batch({ truncateFrom: 6, entries: entries(6, 6, 5) }),
    ].map(async (one, order) => {
      await store.write(one);
      settled.push(order);
    });
    await Promise.all(calls);
    await store.close();

    expect(settled).toEqual([0, 1, 2, 3, 4]);
    const after = await place.open();
    expect(after.opened).toEqual({
      hardState: hardState(5),
      snapshot: null,
      firstIndex: 1,
      lastIndex: 6,
      termRuns: [
        { term: 1, firstIndex: 1 },
        { term: 5, firstIndex: 3 },
      ],
      membershipEntries: [],
    });
    expect(await readAll(after, 1, 6)).toEqual([...entries(1, 2, 1), ...entries(3, 6, 5)]);
    await after.close();
  });

  test('a batch that leaves a hole, or lets the term fall, is a programming error', async () => {
    await using place = await makePlace();
    const store = await place.open();
    await store.write(batch({ entries: entries(1, 2, 2) }));

    expect(await rejection(store.write(batch({ entries: entries(4, 4, 2) })))).toBeInstanceOf(
      AssertionFailure,
    );
    expect(await rejection(store.write(batch({ entries: entries(3, 3, 1) })))).toBeInstanceOf(
      AssertionFailure,
    );
    await store.close();
  });

  test('an entry above the maximum is refused, and nothing of its batch is taken', async () => {
    await using place = await makePlace();
    const store = await place.open();
    const large = entry(2, 1, new Uint8Array(entryPayloadBytesMax + 1));

    const refusal = await rejection(store.write(batch({ entries: [entry(1, 1), large] })));

    expect(refusal).toMatchObject({ code: 'LOG_STORE_ENTRY_TOO_LARGE' });
    await store.write(batch({ entries: entries(1, 1) }));
    expect(await readAll(store, 1, 1)).toEqual(entries(1, 1));
    await store.close();
  });
}

function describeCompaction(makePlace: () => Promise<StorePlace>): void {
  test('a log goes on behind what was compacted away, also after a restart', async () => {
    await using place = await makePlace();
    const before = await place.open();
    await before.write(batch({ entries: [...entries(1, 4, 1), ...entries(5, 9, 2)] }));

    await before.write(batch({ snapshot: snapshot(6, 2, ['n1', 'n2']) }));
    await before.write(batch({ entries: entries(10, 11, 3) }));
    expect(await readAll(before, 7, 11)).toEqual([...entries(7, 9, 2), ...entries(10, 11, 3)]);
    await before.close();

    const after = await place.open();
    expect(after.opened).toEqual({
      hardState: hardState(0),
      snapshot: snapshot(6, 2, ['n1', 'n2']),
      firstIndex: 7,
      lastIndex: 11,
      termRuns: [
        { term: 2, firstIndex: 7 },
        { term: 3, firstIndex: 10 },
      ],
      membershipEntries: [],
    });
    expect(await readAll(after, 7, 11)).toEqual([...entries(7, 9, 2), ...entries(10, 11, 3)]);
    await after.close();
  });

  test('what was compacted away is refused by name from the call on, while it is still written too', async () => {
    await using place = await makePlace();
    const store = await place.open();
    await store.write(batch({ entries: entries(1, 5) }));

    const write = store.write(batch({ snapshot: snapshot(3) }));
    const read = store.read({ first: logIndex(3), last: logIndex(5), bytesMax: 1 });

    expect(await rejection(read)).toMatchObject({
      code: 'LOG_STORE_COMPACTED',
      message: expect.stringMatching(/entry 3 .*the oldest held is 4/),
    });
    await write;
    expect(await readAll(store, 4, 5)).toEqual(entries(4, 5));
    await store.close();
  });

  test('a read that waits for its entries is refused when they are compacted away meanwhile', async () => {
    await using place = await makePlace();
    const store = await place.open();

    const written = store.write(batch({ entries: entries(1, 4) }));
    const read = store.read({ first: logIndex(2), last: logIndex(4), bytesMax: 1000 });
    const compacted = store.write(batch({ snapshot: snapshot(3) }));

    // Either the entries, whole, or the refusal: never others in their place.
    const outcome = await read.catch((thrown: unknown) => thrown);
    if (Array.isArray(outcome)) expect(outcome).toEqual(entries(2, 4));
    else expect(outcome).toMatchObject({ code: 'LOG_STORE_COMPACTED' });
    await Promise.all([written, compacted]);
    await store.close();
  });

  test('a log that is compacted to its end is empty and goes on', async () => {
    await using place = await makePlace();
    const before = await place.open();
    await before.write(batch({ entries: entries(1, 3, 2) }));
    await before.write(batch({ snapshot: snapshot(3, 2) }));
    await before.close();

    const after = await place.open();
    expect(after.opened).toMatchObject({ firstIndex: 4, lastIndex: 3, termRuns: [] });
    await after.write(batch({ entries: entries(4, 5, 2) }));
    await after.write(batch({ truncateFrom: 4 }));
    await after.write(batch({ entries: entries(4, 4, 5) }));
    await after.close();

    const last = await place.open();
    expect(last.opened.termRuns).toEqual([{ term: 5, firstIndex: 4 }]);
    expect(await readAll(last, 4, 4)).toEqual(entries(4, 4, 5));
    await last.close();
  });

  test('a log that is truncated to where it begins goes on from there', async () => {
    await using place = await makePlace();
    const before = await place.open();
    await before.write(batch({ entries: entries(1, 9, 1) }));
    await before.write(batch({ snapshot: snapshot(6, 1) }));
    await before.write(batch({ truncateFrom: 7 }));
    await before.write(batch({ entries: entries(7, 8, 2) }));
    await before.close();

    const after = await place.open();
    expect(after.opened).toMatchObject({ firstIndex: 7, lastIndex: 8 });
    expect(await readAll(after, 7, 8)).toEqual(entries(7, 8, 2));
    await after.close();
  });

  test('a snapshot past the end takes the place of the whole log', async () => {
    await using place = await makePlace();
    const before = await place.open();
    await before.write(batch({ hardState: hardState(4, 'n2'), entries: entries(1, 8, 3) }));

    await before.write(batch({ snapshot: snapshot(50, 4), entries: entries(51, 52, 4) }));
    expect(await readAll(before, 51, 52)).toEqual(entries(51, 52, 4));
    await before.close();

    const after = await place.open();
    expect(after.opened).toEqual({
      hardState: hardState(4, 'n2'),
      snapshot: snapshot(50, 4),
      firstIndex: 51,
      lastIndex: 52,
      termRuns: [{ term: 4, firstIndex: 51 }],
      membershipEntries: [],
    });
    await after.close();
  });

  test('truncation, snapshot and entries of one batch, and of many at once, are taken in this order', async () => {
    await using place = await makePlace();
    const before = await place.open();

    await Promise.all([
      before.write(batch({ entries: entries(1, 20, 1) })),
      before.write(
        batch({ truncateFrom: 16, snapshot: snapshot(12, 1), entries: entries(16, 18, 2) }),
      ),
      before.write(batch({ truncateFrom: 18, snapshot: snapshot(15, 1) })),
      before.write(batch({ entries: entries(18, 19, 3) })),
    ]);
    await before.close();

    const after = await place.open();
    expect(after.opened).toMatchObject({ snapshot: snapshot(15, 1), firstIndex: 16 });
    expect(await readAll(after, 16, 19)).toEqual([...entries(16, 17, 2), ...entries(18, 19, 3)]);
    await after.close();
  });

  test('compacting again what is compacted already is a programming error', async () => {
    await using place = await makePlace();
    const store = await place.open();
    await store.write(batch({ entries: entries(1, 5) }));
    await store.write(batch({ snapshot: snapshot(4) }));

    const again = store.write(batch({ snapshot: snapshot(4) }));

    expect(await rejection(again)).toBeInstanceOf(AssertionFailure);
    await store.close();
  });
}

function describeReads(makePlace: () => Promise<StorePlace>): void {
  test('a read ends at its byte limit, but never before its first entry', async () => {
    await using place = await makePlace();
    const store = await place.open();
    const written = [1, 2, 3, 4].map((index) => entry(index, 1, new Uint8Array(100)));
    await store.write(batch({ entries: written }));

    const lengthOf = async (bytesMax: number): Promise<number> =>
      (await store.read({ first: logIndex(1), last: logIndex(4), bytesMax })).length;

    expect(await lengthOf(1)).toBe(1);
    expect(await lengthOf(100)).toBe(1);
    expect(await lengthOf(101)).toBe(2);
    expect(await lengthOf(300)).toBe(3);
    expect(await lengthOf(301)).toBe(4);
    expect(await lengthOf(1e9)).toBe(4);
    await store.close();
  });

  test('a read of what is being written waits for it', async () => {
    await using place = await makePlace();
    const store = await place.open();

    const write = store.write(batch({ entries: entries(1, 3) }));
    const read = store.read({ first: logIndex(2), last: logIndex(3), bytesMax: 1000 });

    expect(await read).toEqual(entries(2, 3));
    await write;
    await store.close();
  });

  test('a read beside truncations sees one state of the log', async () => {
    await using place = await makePlace();
    const store = await place.open();
    await store.write(batch({ entries: entries(1, 300, 1) }));

    for (let round = 2; round <= 6; round += 1) {
      const before = store.read({ first: logIndex(90), last: logIndex(300), bytesMax: 1e6 });
      const write = store.write(batch({ truncateFrom: 100, entries: entries(100, 300, round) }));
      const during = store.read({ first: logIndex(90), last: logIndex(300), bytesMax: 1e6 });
      const terms = new Set((await before).slice(10).map((found) => found.term));
      expect([...terms]).toHaveLength(1);
      expect((await during).slice(10)).toEqual(entries(100, 300, round));
      await write;
    }

    await store.close();
  });

  test('a read past the end is a programming error', async () => {
    await using place = await makePlace();
    const store = await place.open();
    await store.write(batch({ entries: entries(1, 2) }));

    const read = store.read({ first: logIndex(2), last: logIndex(3), bytesMax: 1 });

    expect(await rejection(read)).toBeInstanceOf(AssertionFailure);
    await store.close();
  });
}

function describeEnd(makePlace: () => Promise<StorePlace>): void {
  test('close waits for what was accepted, and can be called twice', async () => {
    await using place = await makePlace();
    const store = await place.open();

    const write = store.write(batch({ entries: entries(1, 5) }));
    await Promise.all([store.close(), store.close()]);
    await write;

    const after = await place.open();
    expect(await readAll(after, 1, 5)).toEqual(entries(1, 5));
    await after.close();
  });

  test('a closed store refuses every call', async () => {
    await using place = await makePlace();
    const store = await place.open();
    await store.write(batch({ entries: entries(1, 1) }));
    await store.close();

    const calls = [
      store.write(batch({ entries: entries(2, 2) })),
      store.read({ first: logIndex(1), last: logIndex(1), bytesMax: 1 }),
    ];

    for (const call of calls) {
      expect(await rejection(call)).toMatchObject({ code: 'LOG_STORE_NOT_OPEN' });
    }
  });
}
