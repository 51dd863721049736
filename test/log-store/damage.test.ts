import { cp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { Level } from 'level';
import { expect, test } from 'vitest';
import { deferred } from '../../base/deferred.ts';
import type { OperationalError } from '../../base/errors.ts';
import { type LevelLogStore, openLevelLogStore } from '../../log-store/index.ts';
import { entryKey, identityKey, stateKey, termRunKey } from '../../log-store/keys.ts';
import { encodeRecord } from '../../log-store/record-codec.ts';
import type { Entry } from '../../raft/core/entry.ts';
import { logIndex } from '../../raft/core/types.ts';
import {
  batch,
  entries,
  entry,
  hardState,
  levelOptions,
  readAll,
  rejection,
  temporaryDirectory,
} from './support.ts';

// What was durable and is damaged must be refused by name, never dropped, cut or repaired (HAZARDS R16, H25, N7).

test.each([
  ['a flipped bit in a payload', 4, flipBit(4, 40), /log entry 4 .*checksum/],
  ['a flipped bit in a term', 4, flipBit(4, 8), /log entry 4 .*checksum/],
  [
    'a record cut short',
    4,
    (db: Raw) => change(db, 4, (bytes) => bytes.subarray(0, 35)),
    /log entry 4 .*payload bytes/,
  ],
  [
    'an empty record',
    4,
    (db: Raw) => change(db, 4, () => new Uint8Array(0)),
    /log entry 4 .*header/,
  ],
  ['a missing record', 4, (db: Raw) => db.del(entryKey(logIndex(4))), /log entry 4 .*missing/],
  [
    'a missing first record',
    1,
    (db: Raw) => db.del(entryKey(logIndex(1))),
    /log entry 1 .*oldest entry is 2/,
  ],
  [
    'a missing last record',
    9,
    (db: Raw) => db.del(entryKey(logIndex(9))),
    /log entry 9 .*newest entry is 8/,
  ],
  ['a record of another index', 4, copyRecord(5, 4), /log entry 4 .*entry 5 is in its place/],
  ['a record behind the end', 9, copyRecord(9, 10), /log entry 9 .*newest entry is 10/],
  ['an entry of another term', 4, replace(entry(4, 2, 'stale')), /log entry 4 .*term 2.*term 1/],
  ['an entry that was replaced', 5, replace(entry(4, 1, 'stale')), /log entry 5 .*another entry 4/],
  ['a replaced last entry', 9, replace(entry(9, 3, 'stale')), /log entry 9 .*written/],
])('%s is found at open', async (_case, _index, damage, message) => {
  await using directory = await temporaryDirectory();
  await writeLog(directory.path);
  await withRaw(directory.path, damage);

  const opening = openLevelLogStore(levelOptions(directory.path));

  expect(await rejection(opening)).toMatchObject({
    code: 'LOG_STORE_CORRUPT',
    exitStatus: 19,
    message: expect.stringMatching(message),
  });
});

test.each([
  ['the state is missing', (db: Raw) => db.del(stateKey), /state is missing/],
  ['the state is damaged', (db: Raw) => changeKey(db, stateKey), /state is damaged/],
  ['the identity is missing', (db: Raw) => db.del(identityKey), /whose it is is missing/],
  ['the identity is damaged', (db: Raw) => changeKey(db, identityKey), /whose it is is damaged/],
  ['a term is damaged', (db: Raw) => changeKey(db, termRunKey(logIndex(6))), /term is damaged/],
  ['a term is missing', (db: Raw) => db.del(termRunKey(logIndex(6))), /log entry 6 .*term 2/],
  ['the first term is missing', (db: Raw) => db.del(termRunKey(logIndex(1))), /entry 1 .*no term/],
])('a log where %s is refused', async (_case, damage, message) => {
  await using directory = await temporaryDirectory();
  await writeLog(directory.path);
  await withRaw(directory.path, damage);

  const opening = openLevelLogStore(levelOptions(directory.path));

  expect(await rejection(opening)).toMatchObject({
    code: 'LOG_STORE_CORRUPT',
    message: expect.stringMatching(message),
  });
});

test('a refusal changes nothing: the next open refuses as well', async () => {
  await using directory = await temporaryDirectory();
  await writeLog(directory.path);
  await withRaw(directory.path, flipBit(4, 40));

  for (let attempt = 0; attempt < 3; attempt += 1) {
    const opening = openLevelLogStore(levelOptions(directory.path));
    expect(await rejection(opening)).toMatchObject({ code: 'LOG_STORE_CORRUPT' });
  }
});

test('the end of the write-ahead log cut off is not taken for a crash', async () => {
  await using directory = await temporaryDirectory();
  await writeLog(directory.path);
  const { path, length } = await newestWriteAheadLog(directory.path);
  await truncate(path, length - 1);

  const opening = openLevelLogStore(levelOptions(directory.path));

  expect(await rejection(opening)).toMatchObject({
    code: 'LOG_STORE_CORRUPT',
    message: expect.stringMatching(
      /batch 4 \(term 7, log up to 9\) was reported durable, .*batch 3/,
    ),
  });
});

test('an unfinished write behind what was reported durable is a crash, and is dropped', async () => {
  await using directory = await temporaryDirectory();
  await writeLog(directory.path);
  const { path } = await newestWriteAheadLog(directory.path);
  await writeFile(
    path,
    Uint8Array.from({ length: 50 }, () => 0xaa),
    { flag: 'a' },
  );

  await using store = await openLevelLogStore(levelOptions(directory.path));

  expect(store.opened).toMatchObject({ lastIndex: 9, hardState: hardState(7, 'n2') });
});

test('a batch lost in the middle of the write-ahead log is found by what it leaves', async () => {
  await using directory = await temporaryDirectory();
  await writeLog(directory.path);
  const { path } = await newestWriteAheadLog(directory.path);
  const bytes = await readFile(path);
  const at = bytes.indexOf('payload 7 of term 2');
  expect(at).toBeGreaterThan(0);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  await writeFile(path, bytes);

  const opening = openLevelLogStore(levelOptions(directory.path));

  expect(await rejection(opening)).toMatchObject({ code: 'LOG_STORE_CORRUPT' });
});

test('an old copy of the engine folder is refused (R12)', async () => {
  await using directory = await temporaryDirectory();
  const options = levelOptions(directory.path);
  const level = join(directory.path, 'level');
  const before = await openLevelLogStore(options);
  await before.write(batch({ hardState: hardState(1, 'n1'), entries: entries(1, 3) }));
  await before.close();
  await cp(level, `${level}.old`, { recursive: true });
  const after = await openLevelLogStore(options);
  await after.write(batch({ hardState: hardState(2, 'n2') }));
  await after.close();

  await rm(level, { recursive: true });
  await cp(`${level}.old`, level, { recursive: true });

  expect(await rejection(openLevelLogStore(options))).toMatchObject({
    code: 'LOG_STORE_CORRUPT',
    message: expect.stringMatching(/batch 2 \(term 2.*batch 1 \(term 1/),
  });
});

test.each([
  ['the engine folder', (path: string) => rm(join(path, 'level'), { recursive: true })],
  ["the engine's list of tables", (path: string) => rm(join(path, 'level', 'CURRENT'))],
  ['the durable mark', (path: string) => rm(join(path, 'durable-mark'))],
  ['the content of the durable mark', (path: string) => truncate(join(path, 'durable-mark'), 0)],
])('a folder without %s is refused', async (_case, damage) => {
  await using directory = await temporaryDirectory();
  await writeLog(directory.path);
  await damage(directory.path);

  const opening = openLevelLogStore(levelOptions(directory.path));

  expect(await rejection(opening)).toMatchObject({ code: 'LOG_STORE_CORRUPT' });
});

test('tables whose list is lost are not deleted for a new log, even without the mark', async () => {
  await using directory = await temporaryDirectory();
  await writeLog(directory.path);
  await rm(join(directory.path, 'level', 'CURRENT'));
  await rm(join(directory.path, 'durable-mark'));
  const before = await filesOf(directory.path);

  const opening = openLevelLogStore(levelOptions(directory.path));

  expect(await rejection(opening)).toMatchObject({ code: 'LOG_STORE_CORRUPT' });
  expect(await filesOf(directory.path)).toEqual(expect.arrayContaining(before));
});

test('one torn mark of two does not matter', async () => {
  await using directory = await temporaryDirectory();
  await writeLog(directory.path);
  const path = join(directory.path, 'durable-mark');
  const bytes = await readFile(path);
  bytes.fill(0xee, 4096, 4096 + 20);
  await writeFile(path, bytes);

  await using store = await openLevelLogStore(levelOptions(directory.path));

  expect(store.opened.lastIndex).toBe(9);
});

test('a folder whose making was cut short is made again', async () => {
  await using directory = await temporaryDirectory();
  const options = levelOptions(directory.path);
  const store = await openLevelLogStore(options);
  await store.close();
  await rm(join(directory.path, 'durable-mark'));

  await using again = await openLevelLogStore(options);

  expect(again.opened.lastIndex).toBe(0);
});

test('damage met by a read ends the store: it takes no more votes either (H25)', async () => {
  await using directory = await temporaryDirectory();
  const [first = 0] = await writeLongLog(directory.path, [2]);
  await using store = await openLevelLogStore({
    ...levelOptions(directory.path),
    ...smallBuffer,
    clock: stoppedClock,
  });

  const read = await rejection(readAll(store, first, first));

  expect(read).toMatchObject({
    code: 'LOG_STORE_CORRUPT',
    message: expect.stringMatching(/log entry 2 .*checksum/),
  });
  const vote = store.write(batch({ hardState: hardState(9, 'n3') }));
  expect(await rejection(vote)).toMatchObject({ code: 'LOG_STORE_CORRUPT' });
});

test('damage that nobody reads is found in the background', async () => {
  await using directory = await temporaryDirectory();
  await writeLongLog(directory.path, [1500]);
  const failure = deferred<OperationalError>();

  await using store = await openLevelLogStore({
    ...levelOptions(directory.path),
    ...smallBuffer,
    onFailure: failure.resolve,
  });

  expect(await failure.promise).toMatchObject({
    code: 'LOG_STORE_CORRUPT',
    message: expect.stringMatching(/log entry 1500 .*checksum/),
  });
  const write = store.write(batch({ hardState: hardState(9) }));
  expect(await rejection(write)).toMatchObject({ code: 'LOG_STORE_CORRUPT' });
});

test('a damaged table is named before the engine reads it, which it would not survive', async () => {
  await using directory = await temporaryDirectory();
  await writeLongLog(directory.path, []);
  const level = join(directory.path, 'level');
  const table = (await readdir(level)).filter((name) => name.endsWith('.ldb')).toSorted()[1] ?? '';
  const bytes = await readFile(join(level, table));
  // Lengths of keys, in the second block or thereabouts.
  bytes.fill(0xff, 20_000, 20_400);
  await writeFile(join(level, table), bytes);

  const opening = openLevelLogStore(levelOptions(directory.path));

  expect(await rejection(opening)).toMatchObject({
    code: 'LOG_STORE_CORRUPT',
    message: expect.stringMatching(/log entry \d+ .*table \d+\.ldb: checksum is/),
  });
});

test('a table that a killed process left unfinished is no damage', async () => {
  await using directory = await temporaryDirectory();
  await writeLog(directory.path);
  await writeFile(join(directory.path, 'level', '000999.ldb'), 'half a table');

  await using store = await openLevelLogStore(levelOptions(directory.path));

  expect(await readAll(store, 1, 9)).toEqual(logContent.entries);
});

test('any flipped bit in any file is refused, or changes nothing', async () => {
  // Goal: no silent loss. Method: flip one bit anywhere in what a killed process leaves (write-ahead log and tables),
  // then every way to the content must either be refused as damaged or give exactly what was written.
  await using directory = await temporaryDirectory();
  const original = join(directory.path, 'original');
  await writeLog(original, { restarts: true });
  const names = (await filesOf(original)).filter((name) => !/LOG(\.old)?$|LOCK$/.test(name));
  const files = await Promise.all(
    names.map(async (name) => ({ name, bytes: await readFile(join(original, name)) })),
  );
  const spots = fc
    .constantFrom(...files.filter(({ bytes }) => bytes.length > 0))
    .chain((file) => fc.tuple(fc.constant(file), fc.nat(file.bytes.length - 1), fc.nat(7)));
  let run = 0;

  await fc.assert(
    fc.asyncProperty(spots, async ([file, offset, bit]) => {
      run += 1;
      const copy = join(directory.path, `copy-${run}`);
      await cp(original, copy, { recursive: true });
      const changed = Uint8Array.from(file.bytes);
      changed[offset] = (changed[offset] ?? 0) ^ (1 << bit);
      await writeFile(join(copy, file.name), changed);

      const found = await contentOrCode(copy);

      if (typeof found === 'string') expect(found).toBe('LOG_STORE_CORRUPT');
      else expect(found).toEqual(logContent);
      await rm(copy, { recursive: true });
    }),
    { numRuns: 60 },
  );
});

type Raw = Level<Uint8Array, Uint8Array>;

const logContent = {
  hardState: hardState(7, 'n2'),
  entries: [...entries(1, 5, 1), ...entries(6, 8, 2), ...entries(9, 9, 3)],
};

/** A log of nine entries in three terms, written by four batches, the last of them a vote. */
async function writeLog(
  directory: string,
  options: { readonly restarts: boolean } = { restarts: false },
): Promise<void> {
  let store = await openLevelLogStore(levelOptions(directory));
  await store.write(batch({ hardState: hardState(1), entries: entries(1, 5, 1) }));
  await store.write(batch({ hardState: hardState(2), entries: entries(6, 8, 2) }));
  if (options.restarts) {
    // At open the engine moves what its write-ahead log holds to a table.
    await store.close();
    store = await openLevelLogStore(levelOptions(directory));
  }
  await store.write(batch({ hardState: hardState(3), entries: entries(9, 9, 3) }));
  await store.write(batch({ hardState: hardState(7, 'n2') }));
  await store.close();
}

const smallBuffer = { writeBufferBytes: 64 * 1024 };
const stoppedClock = {
  monotonicMs: () => 0,
  wallMs: () => 0,
  // The background check rests for ever, or until it is told to end.
  delay: (_ms: number, options: { readonly signal?: AbortSignal } = {}) =>
    new Promise<void>((_resolve, reject) => {
      options.signal?.addEventListener('abort', () => reject(options.signal?.reason));
    }),
  every: () => () => {},
};

/** A log whose beginning is in tables, with damage where open looks at samples only. Answers with the damaged indexes. */
async function writeLongLog(
  directory: string,
  damaged: readonly number[],
): Promise<readonly number[]> {
  const store = await openLevelLogStore({ ...levelOptions(directory), ...smallBuffer });
  for (let first = 1; first <= 6000; first += 200) {
    const written = Array.from({ length: 200 }, (_, offset) =>
      entry(first + offset, 1, new Uint8Array(200).fill(offset)),
    );
    await store.write(batch({ entries: written }));
  }
  await store.close();
  for (const index of damaged) await withRaw(directory, flipBit(index, 50));
  return damaged;
}

async function contentOrCode(directory: string): Promise<string | typeof logContent> {
  let store: LevelLogStore | null = null;
  try {
    store = await openLevelLogStore(levelOptions(directory));
    return { hardState: store.opened.hardState, entries: await readAll(store, 1, 9) };
  } catch (thrown) {
    return (thrown as { readonly code?: string }).code ?? String(thrown);
  } finally {
    await store?.close();
  }
}

async function withRaw(directory: string, use: (db: Raw) => Promise<void>): Promise<void> {
  const db: Raw = new Level<Uint8Array, Uint8Array>(join(directory, 'level'), {
    keyEncoding: 'view',
    valueEncoding: 'view',
    compression: false,
  });
  await db.open();
  await use(db);
  await db.close();
}

function flipBit(index: number, offset: number): (db: Raw) => Promise<void> {
  return (db) =>
    change(db, index, (bytes) => {
      const changed = Uint8Array.from(bytes);
      changed[offset] = (changed[offset] ?? 0) ^ 1;
      return changed;
    });
}

function copyRecord(from: number, to: number): (db: Raw) => Promise<void> {
  return async (db) => {
    const bytes = await db.get(entryKey(logIndex(from)));
    await db.put(entryKey(logIndex(to)), bytes ?? new Uint8Array(0));
  };
}

/** A whole record that fits the one before it, of an entry that the log does not hold any more. */
function replace(stale: Entry): (db: Raw) => Promise<void> {
  return (db) =>
    change(db, stale.index, (bytes) => {
      const previousChecksum = Buffer.from(bytes).readUInt32LE(24);
      return encodeRecord(stale, previousChecksum).bytes;
    });
}

function change(db: Raw, index: number, edit: (bytes: Uint8Array) => Uint8Array): Promise<void> {
  return changeKey(db, entryKey(logIndex(index)), edit);
}

async function changeKey(
  db: Raw,
  key: Uint8Array,
  edit: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes.map((byte) => byte ^ 0x10),
): Promise<void> {
  await db.put(key, edit((await db.get(key)) ?? new Uint8Array(0)));
}

async function newestWriteAheadLog(
  directory: string,
): Promise<{ readonly path: string; readonly length: number }> {
  const level = join(directory, 'level');
  const names = (await readdir(level)).filter((name) => name.endsWith('.log')).toSorted();
  const path = join(level, names.at(-1) ?? '');
  return { path, length: (await readFile(path)).length };
}

async function filesOf(directory: string): Promise<string[]> {
  const found = await readdir(directory, { recursive: true, withFileTypes: true });
  return found
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name).slice(directory.length + 1))
    .toSorted();
}
