import { concatBytes } from '../base/bytes.ts';
import type { SnapshotMeta } from '../raft/core/snapshot.ts';
import { SnapshotGoneError } from '../raft/errors.ts';
import type { SnapshotStore } from '../raft/snapshot-store.ts';

const chunkBytes = 64 * 1024;

/** The contract of `SnapshotStore` in memory, for tests: it lives as long as its "disk", this object. */
export class MemorySnapshotStore implements SnapshotStore {
  #held: { readonly meta: SnapshotMeta; readonly bytes: Uint8Array } | null = null;

  describe(): SnapshotMeta | null {
    return this.#held?.meta ?? null;
  }

  async *open(meta: SnapshotMeta): AsyncGenerator<Uint8Array, void, undefined> {
    const held = this.#held;
    const { term, index } = meta.last;
    if (held?.meta.last.index !== index || held.meta.last.term !== term) {
      throw new SnapshotGoneError(`snapshot ${term}/${index} is not held`);
    }
    for (let at = 0; at < held.bytes.length; at += chunkBytes) {
      await Promise.resolve();
      yield held.bytes.subarray(at, at + chunkBytes);
    }
  }

  async install(meta: SnapshotMeta, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    if ((this.#held?.meta.last.index ?? 0) >= meta.last.index) return;
    this.#held = { meta, bytes: Uint8Array.from(concatBytes(parts)) };
  }
}
