import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { utf8 } from '../../base/bytes.ts';
import { FileSnapshotStore, MemorySnapshotStore } from '../../log-store/index.ts';
import { bytesOf, chunksOf, describeSnapshotStore } from './snapshot-conformance.ts';
import { rejection, snapshot, temporaryDirectory } from './support.ts';

const bytesMax = 1024 * 1024;

describeSnapshotStore('FileSnapshotStore', async () => {
  const directory = await temporaryDirectory();
  return {
    open: () => FileSnapshotStore.open({ directory: join(directory.path, 'snapshots'), bytesMax }),
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
});

describeSnapshotStore('MemorySnapshotStore', () => {
  const store = new MemorySnapshotStore();
  return Promise.resolve({
    open: () => Promise.resolve(store),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});

test('what a killed process left half written is removed, and the whole one stays', async () => {
  await using directory = await temporaryDirectory();
  const store = await FileSnapshotStore.open({ directory: directory.path, bytesMax });
  await store.install(snapshot(5), chunksOf(utf8('five')));
  await writeFile(join(directory.path, 'incoming'), 'half');
  await writeFile(join(directory.path, '9-1.snapshot'), 'cut off before its trailer');

  const after = await FileSnapshotStore.open({ directory: directory.path, bytesMax });

  expect(after.describe()).toEqual(snapshot(5));
  expect(await readdir(directory.path)).toEqual(['5-1.snapshot']);
});

test('a flipped bit is found when the snapshot is read (R16)', async () => {
  await using directory = await temporaryDirectory();
  const store = await FileSnapshotStore.open({ directory: directory.path, bytesMax });
  await store.install(snapshot(5), chunksOf(utf8('five')));
  const path = join(directory.path, '5-1.snapshot');
  const bytes = await readFile(path);
  bytes[2] = (bytes[2] ?? 0) ^ 1;
  await writeFile(path, bytes);

  const after = await FileSnapshotStore.open({ directory: directory.path, bytesMax });

  expect(await rejection(bytesOf(after, snapshot(5)))).toMatchObject({
    code: 'RAFT_SNAPSHOT_DAMAGED',
    message: expect.stringMatching(/snapshot 1\/5/),
  });
});

test('a file with something behind its trailer is no snapshot', async () => {
  await using directory = await temporaryDirectory();
  const store = await FileSnapshotStore.open({ directory: directory.path, bytesMax });
  await store.install(snapshot(5), chunksOf(utf8('five')));
  await appendFile(join(directory.path, '5-1.snapshot'), 'x');

  const after = await FileSnapshotStore.open({ directory: directory.path, bytesMax });

  expect(after.describe()).toBeNull();
});

test('a snapshot above the maximum is refused, and nothing of it stays', async () => {
  await using directory = await temporaryDirectory();
  const store = await FileSnapshotStore.open({ directory: directory.path, bytesMax: 10 });

  const refused = store.install(snapshot(5), chunksOf(utf8('123456'), utf8('789012')));

  expect(await rejection(refused)).toMatchObject({ code: 'LOG_STORE_SNAPSHOT_TOO_LARGE' });
  expect(store.describe()).toBeNull();
  expect(await readdir(directory.path)).toEqual([]);
});

test('the owner of the state gets it from bytes that are whole', async () => {
  await using directory = await temporaryDirectory();
  const restored: string[] = [];
  const store = await FileSnapshotStore.open({
    directory: directory.path,
    bytesMax,
    restore: async (meta, chunks) => {
      for await (const chunk of chunks) {
        restored.push(`${meta.last.index}: ${new TextDecoder().decode(chunk)}`);
      }
    },
  });

  await store.install(snapshot(5), chunksOf(utf8('fi'), utf8('ve')));

  expect(restored).toEqual(['5: five']);
});

test('a snapshot whose state could not be put in effect is not taken for installed', async () => {
  await using directory = await temporaryDirectory();
  const restored: string[] = [];
  let isBroken = true;
  const store = await FileSnapshotStore.open({
    directory: directory.path,
    bytesMax,
    restore: async (_meta, chunks) => {
      const text: string[] = [];
      for await (const chunk of chunks) text.push(new TextDecoder().decode(chunk));
      if (isBroken) throw new Error('the database is away');
      restored.push(text.join(''));
    },
  });

  await expect(store.install(snapshot(5), chunksOf(utf8('five')))).rejects.toThrow('is away');
  await expect(store.install(snapshot(5), chunksOf(utf8('five')))).rejects.toThrow('is away');
  isBroken = false;
  await store.install(snapshot(5), chunksOf(utf8('five')));
  await store.install(snapshot(5), chunksOf(utf8('five')));

  expect(restored).toEqual(['five']);
});

test('a newer snapshot takes the place of one whose state could not be put in effect', async () => {
  await using directory = await temporaryDirectory();
  let isBroken = true;
  const store = await FileSnapshotStore.open({
    directory: directory.path,
    bytesMax,
    restore: () => (isBroken ? Promise.reject(new Error('away')) : Promise.resolve()),
  });
  await store.install(snapshot(3), chunksOf(utf8('three'))).catch(() => undefined);
  isBroken = false;

  await store.install(snapshot(5), chunksOf(utf8('five')));

  expect(store.describe()).toEqual(snapshot(5));
  expect(await readdir(directory.path)).toEqual(['5-1.snapshot']);
});
