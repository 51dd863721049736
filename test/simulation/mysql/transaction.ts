import type { Engine } from './engine.ts';
import type { RowEdit } from './event-bytes.ts';
import { SimSqlError } from './fibers.ts';
import { LockOwner } from './lock-table.ts';
import { type RowChange, SimError } from './statements.ts';

/** A transaction of a session, not committed: what it changed, seen by itself alone, and the locks it holds until its end. */
export class Transaction {
  readonly locks: LockOwner = new LockOwner();
  readonly isExplicit: boolean;
  readonly isReadOnly: boolean;
  edits: RowEdit[] = [];
  readonly #engine: Engine;
  readonly #overlay = new Map<string, string | null>();
  #snapshot: number | null = null;

  constructor(
    engine: Engine,
    options: { readonly isExplicit: boolean; readonly isReadOnly: boolean },
  ) {
    this.#engine = engine;
    this.isExplicit = options.isExplicit;
    this.isReadOnly = options.isReadOnly;
  }

  /** What a locking read or a change works on: the newest committed value, or the own one. */
  current(table: string, key: string): string | null {
    const own = this.#overlay.get(overlayKey(table, key));
    return own === undefined ? this.#engine.current(table, key) : own;
  }

  /** What a plain read sees: the own value, else that of the snapshot. */
  seen(table: string, key: string): string | null {
    const own = this.#overlay.get(overlayKey(table, key));
    return own === undefined ? this.#engine.readAt(table, key, this.snapshot()) : own;
  }

  scan(table: string, how: 'snapshot' | 'current'): readonly [string, string][] {
    const rows = new Map(this.#engine.scan(table, how === 'current' ? null : this.snapshot()));
    for (const [key, value] of this.#overlay) {
      const [ofTable, rowKey = ''] = key.split('\0');
      if (ofTable !== table) continue;
      if (value === null) rows.delete(rowKey);
      else rows.set(rowKey, value);
    }
    return [...rows].sort(([left], [right]) => (left < right ? -1 : 1));
  }

  /** REPEATABLE READ: of the first plain read. */
  snapshot(): number {
    this.#snapshot ??= this.#engine.openSnapshot();
    return this.#snapshot;
  }

  closeSnapshot(): void {
    if (this.#snapshot !== null) this.#engine.closeSnapshot(this.#snapshot);
    this.#snapshot = null;
  }

  /** Under the row's exclusive lock. Answers how many rows it affected, as MySQL counts them. */
  change(table: string, change: RowChange): number {
    const before = this.current(table, change.key);
    const after = valueAfter(change, before);
    if (after === before) return 0;
    this.edits.push({ table, key: change.key, before, after });
    this.#overlay.set(overlayKey(table, change.key), after);
    this.locks.weight += 1;
    // INSERT … ON DUPLICATE KEY UPDATE counts two for a row that was there.
    const isUpsert = change.kind === 'put' || change.kind === 'append';
    return isUpsert && before !== null ? 2 : 1;
  }

  /** Takes back what came after the first `editCount` changes. */
  rollbackTo(editCount: number): void {
    for (const { table, key, before } of this.edits.splice(editCount).toReversed()) {
      this.#overlay.set(overlayKey(table, key), before);
    }
    this.locks.weight = this.edits.length;
  }
}

function valueAfter(change: RowChange, before: string | null): string | null {
  switch (change.kind) {
    case 'insert':
      if (before === null) return change.value;
      throw new SimSqlError(
        SimError.duplicateKey,
        `Duplicate entry '${change.key}' for key 'PRIMARY'`,
      );
    case 'put':
      return change.value;
    case 'append':
      return before === null ? change.value : `${before},${change.value}`;
    case 'add':
      return before === null ? null : String(Number(before) + change.amount);
    case 'compare-and-set':
      return before === change.from ? change.to : before;
    case 'delete':
      return null;
  }
}

/** Keys hold no zero byte: the drivers' tables would not take it. */
function overlayKey(table: string, key: string): string {
  return `${table}\0${key}`;
}
