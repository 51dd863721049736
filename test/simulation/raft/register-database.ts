import { type Entry, EntryKind } from '../../../raft/core/entry.ts';
import { decodeWrite } from '../checkers/register-values.ts';

interface Content {
  readonly values: ReadonlyMap<string, string>;
  readonly appliedIndex: number;
}

/**
 * What the committed entries are applied to: registers, and the index of the newest applied. Like a follower's MySQL with
 * relaxed flushing it may lose its newest part in a crash, values and index together, never one without the other.
 */
export class RegisterDatabase {
  #values = new Map<string, string>();
  #appliedIndex = 0;
  #durable: Content = { values: new Map(), appliedIndex: 0 };

  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  get durableIndex(): number {
    return this.#durable.appliedIndex;
  }

  /** The next entry; false, and nothing happens, if it is not the next. */
  apply(entry: Entry): boolean {
    if (entry.index !== this.#appliedIndex + 1) return false;
    if (entry.kind === EntryKind.data) {
      const { key, value } = decodeWrite(entry.payload);
      this.#values.set(key, value);
    }
    this.#appliedIndex = entry.index;
    return true;
  }

  read(key: string): string | null {
    return this.#values.get(key) ?? null;
  }

  flush(): void {
    this.#durable = { values: new Map(this.#values), appliedIndex: this.#appliedIndex };
  }

  /** What a crash leaves. */
  crash(): void {
    this.#values = new Map(this.#durable.values);
    this.#appliedIndex = this.#durable.appliedIndex;
  }

  /** All of it, for comparison. */
  describe(): string {
    return [...this.#values]
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, value]) => `${key}=${value}`)
      .join(' ');
  }
}
