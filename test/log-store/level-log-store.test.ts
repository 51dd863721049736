import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { defaultEngineOptions, openEngine } from '../../log-store/engine.ts';
import { openLevelLogStore } from '../../log-store/index.ts';
import { identityKey, stateKey } from '../../log-store/keys.ts';
import { LevelLogStore } from '../../log-store/level-log-store.ts';
import { encodeIdentity, formatVersion } from '../../log-store/meta-codec.ts';
import { openFiles } from '../../log-store/open-files.ts';
import { nodeId } from '../../raft/core/types.ts';
import { describeLogStore } from './conformance.ts';
import {
  batch,
  entries,
  hardState,
  levelOptions,
  readAll,
  rejection,
  snapshot,
  temporaryDirectory,
} from './support.ts';

describeLogStore('LevelLogStore', async () => {
  const directory = await temporaryDirectory();
  return {
    open: () => openLevelLogStore(levelOptions(directory.path)),
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
});

test('a second opener is told that the log is in use, and does no harm', async () => {
  await using directory = await temporaryDirectory();
  await using store = await openLevelLogStore(levelOptions(directory.path));

  const second = await rejection(openLevelLogStore(levelOptions(directory.path)));

  expect(second).toMatchObject({ code: 'DATA_IN_USE', exitStatus: 13 });
  await store.write(batch({ entries: entries(1, 1) }));
});

test.each([
  ['another node', { nodeId: nodeId('n2') }, /node n1 of cluster test, not of node n2/],
  ['another cluster', { clusterId: 'prod' }, /not of node n1 of cluster prod/],
])('the log of %s is refused', async (_case, changed, message) => {
  await using directory = await temporaryDirectory();
  const store = await openLevelLogStore(levelOptions(directory.path));
  await store.close();

  const foreign = openLevelLogStore({ ...levelOptions(directory.path), ...changed });

  expect(await rejection(foreign)).toMatchObject({
    code: 'DATA_FOREIGN',
    exitStatus: 12,
    message: expect.stringMatching(message),
  });
});

/** Makes the store one of another format version. */
async function setFormatVersion(directory: string, version: number): Promise<void> {
  const engine = await openEngine(join(directory, 'level'), {
    ...defaultEngineOptions,
    mayCreate: false,
  });
  const { clusterId, nodeId: owner } = levelOptions(directory);
  await engine.put(
    identityKey,
    encodeIdentity({ formatVersion: version, clusterId, nodeId: owner }),
  );
  await engine.close();
}

test.each([
  ['a later', formatVersion + 1],
  ['an earlier', formatVersion - 1],
])('a log of %s format is refused and stays as it is', async (_case, version) => {
  await using directory = await temporaryDirectory();
  const store = await openLevelLogStore(levelOptions(directory.path));
  await store.write(batch({ hardState: hardState(1), entries: entries(1, 9) }));
  await store.write(batch({ snapshot: snapshot(4) }));
  await store.close();
  await setFormatVersion(directory.path, version);

  const foreign = await rejection(openLevelLogStore(levelOptions(directory.path)));

  expect(foreign).toMatchObject({
    code: 'DATA_FOREIGN',
    exitStatus: 12,
    message: expect.stringContaining(
      `has log format ${version}, this program has ${formatVersion}`,
    ),
  });
  await setFormatVersion(directory.path, formatVersion);
  await using again = await openLevelLogStore(levelOptions(directory.path));
  expect(again.opened).toMatchObject({ firstIndex: 5, lastIndex: 9 });
});

test('a folder of another format is refused for that, even where its state cannot be read', async () => {
  await using directory = await temporaryDirectory();
  const store = await openLevelLogStore(levelOptions(directory.path));
  await store.close();
  const engineDirectory = join(directory.path, 'level');
  const engine = await openEngine(engineDirectory, { ...defaultEngineOptions, mayCreate: false });
  await engine.put(stateKey, new Uint8Array([9, 9, 9]));
  await engine.close();
  await setFormatVersion(directory.path, formatVersion + 1);

  const foreign = await rejection(openLevelLogStore(levelOptions(directory.path)));

  expect(foreign).toMatchObject({ code: 'DATA_FOREIGN' });
});

test('a data folder that is a file is refused with the reason', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'file');
  await writeFile(path, '');

  const opening = openLevelLogStore(levelOptions(path));

  expect(await rejection(opening)).toMatchObject({ code: 'LOG_STORE_FAILED' });
});

test.skipIf(process.getuid?.() === 0)('a folder without write access is refused', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'locked');
  await mkdir(path);
  await chmod(path, 0o500);

  const opening = openLevelLogStore(levelOptions(path));

  expect(await rejection(opening)).toMatchObject({ code: 'DATA_NOT_WRITABLE' });
});

test.each([
  ['IO error: 000012.log: No space left on device', 'DISK_FULL'],
  ['IO error: 000012.log: Input/output error', 'LOG_STORE_FAILED'],
])('when the engine says "%s" the store ends as %s (R17)', async (message, code) => {
  await using directory = await temporaryDirectory();
  const options = levelOptions(directory.path);
  const engineOptions = { blockBytes: 4096, writeBufferBytes: 1024 * 1024 };
  const files = await openFiles({ ...options, engineOptions });
  await using store = new LevelLogStore({
    ...files,
    ...options,
    engineOptions,
    clock: { monotonicMs: () => 0, wallMs: () => 0, delay: async () => {}, every: () => () => {} },
    opened: { ...files.state, snapshot: null, termRuns: [], membershipEntries: [] },
  });
  await store.write(batch({ entries: entries(1, 2) }));
  Object.assign(files.engine, { batch: () => Promise.reject(new Error(message)) });

  const failed = store.write(batch({ entries: entries(3, 3) }));
  const waiting = store.write(batch({ entries: entries(4, 4) }));

  expect(await rejection(failed)).toMatchObject({ code });
  expect(await rejection(waiting)).toMatchObject({ code });
  const later = store.write(batch({ hardState: hardState(9) }));
  expect(await rejection(later)).toMatchObject({ code: 'LOG_STORE_FAILED' });
  expect(await rejection(readAll(store, 1, 1))).toMatchObject({ code: 'LOG_STORE_FAILED' });
});
