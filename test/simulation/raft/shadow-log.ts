import type { PersistEffect } from '../../../raft/core/effects.ts';
import type { Entry } from '../../../raft/core/entry.ts';
import type { SnapshotMeta } from '../../../raft/core/snapshot.ts';
import type { LogView } from '../checkers/raft-checker.ts';
import type { SimLogDisk } from '../kernel/index.ts';

/** The log of one life as its machine sees it, durable or not, followed from the orders it gives. */
export class ShadowLog implements LogView {
  #entries: Entry[];
  #snapshot: SnapshotMeta | null;
  #firstIndex: number;

  constructor(disk: SimLogDisk) {
    this.#firstIndex = disk.content.firstIndex;
    this.#snapshot = disk.content.snapshot;
    this.#entries = [...disk.content.entries];
  }

  get snapshot(): SnapshotMeta | null {
    return this.#snapshot;
  }

  get firstIndex(): number {
    return this.#firstIndex;
  }

  get lastIndex(): number {
    return this.#firstIndex + this.#entries.length - 1;
  }

  at(index: number): Entry | undefined {
    return this.#entries[index - this.#firstIndex];
  }

  termAt(index: number): number | null {
    if (index === 0) return 0;
    if (index === this.#snapshot?.last.index) return this.#snapshot.last.term;
    return this.at(index)?.term ?? null;
  }

  follow({ truncateFrom, snapshot, entries }: PersistEffect): void {
    if (truncateFrom !== null) {
      this.#entries = this.#entries.slice(0, Math.max(0, truncateFrom - this.#firstIndex));
    }
    if (snapshot !== null) {
      const next = snapshot.last.index + 1;
      this.#entries = this.#entries.slice(Math.max(0, next - this.#firstIndex));
      this.#firstIndex = next;
      this.#snapshot = snapshot;
    }
    for (const entry of entries) this.#entries.push(entry);
  }
}
