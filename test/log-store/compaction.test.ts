import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SystemClock } from '../../base/clock.ts';
import { defaultEngineOptions, type Engine, openEngine } from '../../log-store/engine.ts';
import { type LevelLogStoreOptions, openLevelLogStore } from '../../log-store/index.ts';
import { allKeys, entryKey, snapshotKey, termRunKey } from '../../log-store/keys.ts';
import { encodeTermRun } from '../../log-store/meta-codec.ts';
import { logIndex, term } from '../../raft/core/types.ts';
import {
  batch,
  entries,
  levelOptions,
  readAll,
  rejection,
  snapshot,
  temporaryDirectory,
} from './support.ts';

// Goal: what was compacted away leaves the disk in pieces, and nothing depends on how far that has come. Method: the engine's
// own keys, looked at and changed while no store has it open.

const clock = new SystemClock();

/** A clock by which the background work never begins its next piece. */
const standingClock = {
  monotonicMs: () => clock.monotonicMs(),
  wallMs: () => clock.wallMs(),
  every: () => () => {},
  delay: (_ms: number, options: { readonly signal?: AbortSignal } = {}) =>
    new Promise<never>((_resolve, reject) => {
      const { signal } = options;
      if (signal?.aborted === true) reject(signal.reason);
      signal?.addEventListener('abort', () => reject(signal.reason));
    }),
};

async function withEngine<Result>(
  directory: string,
  use: (engine: Engine) => Promise<Result>,
): Promise<Result> {
  const engine = await openEngine(join(directory, 'level'), {
    ...defaultEngineOptions,
    mayCreate: false,
  });
  try {
    return await use(engine);
  } finally {
    await engine.close();
  }
}

function keysOf(directory: string): Promise<string[]> {
  return withEngine(directory, async (engine) => {
    const keys = await engine.keys(allKeys).all();
    return keys.map((key) => Buffer.from(key).toString('hex'));
  });
}

function hex(key: Uint8Array): string {
  return Buffer.from(key).toString('hex');
}

async function compactedLog(options: LevelLogStoreOptions): Promise<void> {
  const store = await openLevelLogStore(options);
  await store.write(batch({ entries: [...entries(1, 2500, 1), ...entries(2501, 3000, 2)] }));
  await store.write(batch({ snapshot: snapshot(2600, 2) }));
  await store.close();
}

async function untilSwept(directory: string): Promise<string[]> {
  for (;;) {
    const store = await openLevelLogStore(levelOptions(directory));
    // A store that is closed ends at the next piece: each of these brings it forward.
    await clock.delay(20);
    await store.close();
    const keys = await keysOf(directory);
    if (!keys.includes(hex(entryKey(logIndex(2600))))) return keys;
  }
}

test('entries and terms that were compacted away leave the disk, and only those', async () => {
  await using directory = await temporaryDirectory();
  await compactedLog(levelOptions(directory.path));

  const keys = await untilSwept(directory.path);

  expect(keys.filter((key) => key.startsWith('10'))).toEqual(
    entries(2601, 3000).map(({ index }) => hex(entryKey(index))),
  );
  expect(keys.filter((key) => key.startsWith('20'))).toEqual([hex(termRunKey(logIndex(2601)))]);
});

test('a store that ended before its sweeping opens as if it had been swept', async () => {
  await using directory = await temporaryDirectory();
  await compactedLog({ ...levelOptions(directory.path), clock: standingClock });
  expect(await keysOf(directory.path)).toContain(hex(entryKey(logIndex(2600))));
  // The terms go first: a crash a moment earlier would have left them as well.
  const run = { term: term(1), firstIndex: logIndex(1) };
  await withEngine(directory.path, (engine) =>
    engine.put(termRunKey(run.firstIndex), encodeTermRun(run)),
  );

  const store = await openLevelLogStore({ ...levelOptions(directory.path), clock: standingClock });

  expect(store.opened).toMatchObject({ firstIndex: 2601, lastIndex: 3000 });
  expect(store.opened.termRuns).toEqual([{ term: 2, firstIndex: 2601 }]);
  expect(await readAll(store, 2601, 3000)).toEqual(entries(2601, 3000, 2));
  await store.close();
});

test('a snapshot of a later state may leave the old log lying there for a while', async () => {
  await using directory = await temporaryDirectory();
  const options = { ...levelOptions(directory.path), clock: standingClock };
  const before = await openLevelLogStore(options);
  await before.write(batch({ entries: entries(1, 2000, 1) }));
  await before.write(batch({ snapshot: snapshot(1_000_000_000, 3) }));
  await before.write(batch({ entries: entries(1_000_000_001, 1_000_000_002, 3) }));
  await before.close();

  const after = await openLevelLogStore(levelOptions(directory.path));

  expect(await readAll(after, 1_000_000_001, 1_000_000_002)).toHaveLength(2);
  await after.close();
  const keys = await untilSwept(directory.path);
  expect(keys.filter((key) => key.startsWith('10')).length).toBeLessThan(2002);
});

test.each([
  ['gone', null],
  ['of another entry', 2599],
] as const)('a log whose snapshot record is %s is refused (R16)', async (_case, index) => {
  await using directory = await temporaryDirectory();
  await compactedLog({ ...levelOptions(directory.path), clock: standingClock });
  await withEngine(directory.path, async (engine) => {
    if (index === null) await engine.del(snapshotKey);
    else await engine.put(snapshotKey, Uint8Array.from([1, 2, 3]));
  });

  const opening = openLevelLogStore(levelOptions(directory.path));

  expect(await rejection(opening)).toMatchObject({
    code: 'LOG_STORE_CORRUPT',
    message: expect.stringMatching(/begins at 2601, and what it begins behind is/),
  });
});

test('a first entry that was written behind another log than the compacted one is refused', async () => {
  await using directory = await temporaryDirectory();
  await using other = await temporaryDirectory();
  await compactedLog({ ...levelOptions(directory.path), clock: standingClock });
  const store = await openLevelLogStore({ ...levelOptions(other.path), clock: standingClock });
  await store.write(batch({ entries: [...entries(1, 10, 1), ...entries(11, 2601, 2)] }));
  await store.close();
  const key = entryKey(logIndex(2601));
  const stray = await withEngine(other.path, (engine) => engine.get(key));
  if (stray === undefined) throw new Error('no entry 2601');
  await withEngine(directory.path, (engine) => engine.put(key, stray));

  const opening = openLevelLogStore(levelOptions(directory.path));

  expect(await rejection(opening)).toMatchObject({
    code: 'LOG_STORE_CORRUPT',
    message: expect.stringMatching(/entry 260[12] .*written behind another entry/),
  });
});
