import { expect, test } from 'vitest';
import { MemoryLogDisk, MemoryLogStore } from '../../log-store/index.ts';
import { logIndex } from '../../raft/core/types.ts';
import { describeLogStore } from './conformance.ts';
import { batch, entries, hardState, readAll, rejection } from './support.ts';

describeLogStore('MemoryLogStore', () => {
  const disk = new MemoryLogDisk();
  return Promise.resolve({
    open: () => Promise.resolve(new MemoryLogStore(disk)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});

test('calls that wait share a sync', async () => {
  const store = new MemoryLogStore();
  store.holdWrites();
  const first = store.write(batch({ entries: entries(1, 1) }));
  await Promise.resolve();
  await Promise.resolve();

  const waiting = [2, 3, 4].map((index) => store.write(batch({ entries: entries(index, index) })));
  store.releaseWrites();
  await Promise.all([first, ...waiting]);

  expect(store.syncCount).toBe(2);
});

test('a failed write is final, for what waits and for every later call (R17)', async () => {
  const store = new MemoryLogStore();
  await store.write(batch({ entries: entries(1, 1) }));
  store.failNextWrite();

  const failed = store.write(batch({ entries: entries(2, 2) }));
  const waiting = store.write(batch({ entries: entries(3, 3) }));

  expect(await rejection(failed)).toMatchObject({ code: 'LOG_STORE_FAILED', exitStatus: 20 });
  expect(await rejection(waiting)).toMatchObject({ code: 'LOG_STORE_FAILED' });
  const later = store.write(batch({ hardState: hardState(2) }));
  expect(await rejection(later)).toMatchObject({ code: 'LOG_STORE_FAILED' });
  expect(store.disk.lastIndex).toBe(1);
  expect(store.disk.hardState).toEqual(hardState(0));
});

test('a full disk is told apart from other failures', async () => {
  const store = new MemoryLogStore();
  store.failNextWrite(new Error('ENOSPC: no space left on device, write'));

  const failed = store.write(batch({ entries: entries(1, 1) }));

  expect(await rejection(failed)).toMatchObject({ code: 'DISK_FULL', exitStatus: 15 });
});

test('a crash loses what is not durable, and only that', async () => {
  const store = new MemoryLogStore();
  await store.write(batch({ hardState: hardState(1, 'n1'), entries: entries(1, 2) }));
  store.holdWrites();
  const lost = store.write(batch({ truncateFrom: 2, entries: entries(2, 5, 2) }));

  store.loseUnsynced();

  expect(await rejection(lost)).toMatchObject({ code: 'LOG_STORE_NOT_OPEN' });
  const after = new MemoryLogStore(store.disk);
  expect(after.opened).toMatchObject({ hardState: hardState(1, 'n1'), lastIndex: 2 });
  expect(await readAll(after, 1, 2)).toEqual(entries(1, 2));
});

test('a damaged entry is refused by its index and reason, and ends the store (R16)', async () => {
  const store = new MemoryLogStore();
  await store.write(batch({ entries: entries(1, 3) }));
  store.disk.damageEntry(logIndex(2), 'a bit flipped');

  const read = store.read({ first: logIndex(1), last: logIndex(3), bytesMax: 1000 });

  expect(await rejection(read)).toMatchObject({
    code: 'LOG_STORE_CORRUPT',
    message: expect.stringMatching(/entry 2 .*a bit flipped/),
  });
  const write = store.write(batch({ entries: entries(4, 4) }));
  expect(await rejection(write)).toMatchObject({ code: 'LOG_STORE_CORRUPT' });
});
