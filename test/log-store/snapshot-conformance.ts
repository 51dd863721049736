import { describe, expect, test } from 'vitest';
import { concatBytes, utf8 } from '../../base/bytes.ts';
import type { SnapshotMeta } from '../../raft/core/snapshot.ts';
import type { SnapshotStore } from '../../raft/snapshot-store.ts';
import { rejection, snapshot } from './support.ts';

/** A place where a store lives, opened again and again. */
export interface SnapshotPlace extends AsyncDisposable {
  open(): Promise<SnapshotStore>;
}

export async function* chunksOf(...parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    await Promise.resolve();
    yield part;
  }
}

/** Gives some bytes, then fails as a cut connection does. */
async function* cutShort(...parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunksOf(...parts);
  throw new Error('cut');
}

export async function bytesOf(store: SnapshotStore, meta: SnapshotMeta): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of store.open(meta)) parts.push(Uint8Array.from(chunk));
  return Uint8Array.from(concatBytes(parts));
}

/** The contract of `SnapshotStore` (raft/snapshot-store.ts), for each implementation. */
export function describeSnapshotStore(name: string, makePlace: () => Promise<SnapshotPlace>): void {
  describe(`${name} keeps the contract of a snapshot store`, () => {
    test('a new store has no snapshot', async () => {
      await using place = await makePlace();
      const store = await place.open();

      expect(store.describe()).toBeNull();
      expect(await rejection(bytesOf(store, snapshot(3)))).toMatchObject({
        code: 'RAFT_SNAPSHOT_GONE',
      });
    });

    test('what was installed is described and read back, also after a restart', async () => {
      await using place = await makePlace();
      const meta = snapshot(12, 3, ['n1', 'n2']);
      const parts = [utf8('one'), new Uint8Array(0), new Uint8Array(700_000).fill(7), utf8('end')];

      const before = await place.open();
      await before.install(meta, chunksOf(...parts));
      expect(before.describe()).toEqual(meta);
      const after = await place.open();

      expect(after.describe()).toEqual(meta);
      expect(await bytesOf(after, meta)).toEqual(Uint8Array.from(concatBytes(parts)));
      expect(await bytesOf(after, meta)).toEqual(await bytesOf(before, meta));
    });

    test('a snapshot of no bytes is one', async () => {
      await using place = await makePlace();
      const store = await place.open();

      await store.install(snapshot(1), chunksOf());

      expect(await bytesOf(store, snapshot(1))).toEqual(new Uint8Array(0));
    });

    test('a newer one takes the place of the older, which is gone by name', async () => {
      await using place = await makePlace();
      const store = await place.open();
      await store.install(snapshot(5), chunksOf(utf8('five')));

      await store.install(snapshot(9), chunksOf(utf8('nine')));

      expect(store.describe()).toEqual(snapshot(9));
      expect(await bytesOf(store, snapshot(9))).toEqual(utf8('nine'));
      expect(await rejection(bytesOf(store, snapshot(5)))).toMatchObject({
        code: 'RAFT_SNAPSHOT_GONE',
      });
    });

    test('installing what is there, or an older one, changes nothing', async () => {
      await using place = await makePlace();
      const store = await place.open();
      await store.install(snapshot(9), chunksOf(utf8('nine')));

      await store.install(snapshot(9), chunksOf(utf8('nine')));
      await store.install(snapshot(4), chunksOf(utf8('four')));

      expect(await bytesOf(store, snapshot(9))).toEqual(utf8('nine'));
    });

    test('a snapshot that is cut short is not taken, and the one before stays', async () => {
      await using place = await makePlace();
      const store = await place.open();
      await store.install(snapshot(5), chunksOf(utf8('five')));

      const failed = store.install(snapshot(9), cutShort(utf8('ni')));

      expect(await rejection(failed)).toMatchObject({ message: 'cut' });
      expect(store.describe()).toEqual(snapshot(5));
      expect(await bytesOf(await place.open(), snapshot(5))).toEqual(utf8('five'));
      await store.install(snapshot(9), chunksOf(utf8('nine')));
      expect(await bytesOf(store, snapshot(9))).toEqual(utf8('nine'));
    });
  });
}
