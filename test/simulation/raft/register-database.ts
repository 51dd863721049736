import { type Entry, EntryKind } from '../../../raft/core/entry.ts';
import { decodeWrite } from '../checkers/register-values.ts';

/** The registers up to an entry of the log. */
export interface RegisterContent {
  readonly values: Readonly<Record<string, string>>;
  readonly appliedIndex: number;
}

const empty: RegisterContent = { values: {}, appliedIndex: 0 };

/**
 * What the committed entries are applied to: registers, and the index of the newest applied. Like a follower's MySQL with
 * relaxed flushing it may lose its newest part in a crash, values and index together, never one without the other.
 */
export class RegisterDatabase {
  #values: Record<string, string> = {};
  #appliedIndex = 0;
  #durable: RegisterContent = empty;

  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  get durableIndex(): number {
    return this.#durable.appliedIndex;
  }

  get durableContent(): RegisterContent {
    return this.#durable;
  }

  /** The next entry; false, and nothing happens, if it is not the next. */
  apply(entry: Entry): boolean {
    if (entry.index !== this.#appliedIndex + 1) return false;
    if (entry.kind === EntryKind.data) {
      const { key, value } = decodeWrite(entry.payload);
      this.#values[key] = value;
    }
    this.#appliedIndex = entry.index;
    return true;
  }

  read(key: string): string | null {
    return this.#values[key] ?? null;
  }

  flush(): void {
    this.#durable = { values: { ...this.#values }, appliedIndex: this.#appliedIndex };
  }

  /** Takes this in place of what is there, durably. */
  install(content: RegisterContent): void {
    this.#durable = content;
    this.crash();
  }

  /** What a crash leaves. */
  crash(): void {
    this.#values = { ...this.#durable.values };
    this.#appliedIndex = this.#durable.appliedIndex;
  }

  /** All of it, for comparison. */
  describe(): string {
    return Object.entries(this.#values)
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, value]) => `${key}=${value}`)
      .join(' ');
  }
}
