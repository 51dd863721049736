import type { PersistEffect } from '../../../raft/core/effects.ts';
import type { Entry } from '../../../raft/core/entry.ts';
import type { LogView } from '../checkers/raft-checker.ts';
import type { SimLogDisk } from '../kernel/index.ts';

/** The log of one life as its machine sees it, durable or not, followed from the orders it gives. */
export class ShadowLog implements LogView {
  readonly #entries: Entry[];
  readonly #firstIndex: number;

  constructor(disk: SimLogDisk) {
    this.#firstIndex = disk.content.firstIndex;
    this.#entries = [...disk.content.entries];
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

  follow({ truncateFrom, entries }: PersistEffect): void {
    if (truncateFrom !== null) {
      this.#entries.length = Math.min(
        this.#entries.length,
        Math.max(0, truncateFrom - this.#firstIndex),
      );
    }
    for (const entry of entries) this.#entries.push(entry);
  }
}
