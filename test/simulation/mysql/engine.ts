import { assert } from '../../../base/assert.ts';
import type { Gtid } from '../../../mysql-bridge/binlog/gtid.ts';
import { GtidSet } from '../../../mysql-bridge/binlog/gtid-set.ts';
import type { TransactionContent } from './event-bytes.ts';
import type { SchemaChange } from './sql-text.ts';

/** A version of a row; `value` null where it was deleted. Older ones are kept as long as a snapshot may need them. */
interface RowVersion {
  readonly value: string | null;
  readonly commitNumber: number;
  older: RowVersion | null;
}

interface Table {
  comment: string;
  readonly rows: Map<string, RowVersion>;
}

export interface EngineTransaction extends TransactionContent {
  readonly xid: number;
  readonly gtid: Gtid | null;
}

/** What is in the redo log and not synced, oldest first, with what takes it back. */
type RedoRecord =
  | { readonly kind: 'prepare'; readonly transaction: EngineTransaction }
  | {
      readonly kind: 'commit';
      readonly transaction: EngineTransaction;
      readonly wasPrepared: boolean;
      readonly undo: () => void;
    }
  | { readonly kind: 'rollback'; readonly transaction: EngineTransaction };

/**
 * InnoDB and the data dictionary: tables, accounts, and the GTIDs of what was committed, which it stores in the same transaction
 * (`mysql.gtid_executed`). Prepared transactions wait for the binlog to decide. A power cut takes back what is not synced.
 */
export class Engine {
  readonly #tables = new Map<string, Table>();
  readonly #users = new Set<string>();
  #gtids = new GtidSet();
  readonly #prepared = new Map<number, EngineTransaction>();
  #redo: RedoRecord[] = [];
  /** How many of these are written to the file; the others are in the memory of the process. */
  #writtenRecords = 0;
  #commitNumber = 0;
  readonly #snapshots = new Map<number, number>();
  #oldVersions: { readonly table: string; readonly key: string }[] = [];

  get gtids(): GtidSet {
    return this.#gtids;
  }

  get preparedXids(): readonly number[] {
    return [...this.#prepared.keys()];
  }

  /** Redo records that a power cut may take. */
  get unsyncedRecords(): number {
    return this.#writtenRecords;
  }

  /** Redo records that a kill may take. */
  get unwrittenRecords(): number {
    return this.#redo.length - this.#writtenRecords;
  }

  get users(): readonly string[] {
    return [...this.#users].sort();
  }

  get tables(): readonly { readonly name: string; readonly comment: string }[] {
    return [...this.#tables.keys()]
      .sort()
      .map((name) => ({ name, comment: this.#tables.get(name)?.comment ?? '' }));
  }

  hasTable(table: string): boolean {
    return this.#tables.has(table);
  }

  hasUser(user: string): boolean {
    return this.#users.has(user);
  }

  /** The newest committed value; null where there is no row. */
  current(table: string, key: string): string | null {
    return this.#tables.get(table)?.rows.get(key)?.value ?? null;
  }

  /** Rows of a table by key, as now or as in a snapshot. */
  scan(table: string, snapshot: number | null): [string, string][] {
    const rows = this.#tables.get(table)?.rows;
    if (rows === undefined) return [];
    const found: [string, string][] = [];
    for (const [key, version] of rows) {
      const value = snapshot === null ? version.value : valueAt(version, snapshot);
      if (value !== null) found.push([key, value]);
    }
    return found.sort(([left], [right]) => (left < right ? -1 : 1));
  }

  openSnapshot(): number {
    const count = this.#snapshots.get(this.#commitNumber) ?? 0;
    this.#snapshots.set(this.#commitNumber, count + 1);
    return this.#commitNumber;
  }

  closeSnapshot(snapshot: number): void {
    const count = this.#snapshots.get(snapshot) ?? 0;
    assert(count > 0, 'a snapshot is closed after it was opened');
    if (count > 1) this.#snapshots.set(snapshot, count - 1);
    else this.#snapshots.delete(snapshot);
    if (this.#snapshots.size === 0) this.#purge();
  }

  readAt(table: string, key: string, snapshot: number): string | null {
    const version = this.#tables.get(table)?.rows.get(key);
    return version === undefined ? null : valueAt(version, snapshot);
  }

  prepare(transaction: EngineTransaction): void {
    this.#prepared.set(transaction.xid, transaction);
    this.#redo.push({ kind: 'prepare', transaction });
  }

  /** Makes it visible: prepared or not, with its GTID in the same redo record. */
  commit(transaction: EngineTransaction): void {
    const wasPrepared = this.#prepared.delete(transaction.xid);
    const undo = this.#apply(transaction);
    this.#redo.push({ kind: 'commit', transaction, wasPrepared, undo });
  }

  prepared(xid: number): EngineTransaction | null {
    return this.#prepared.get(xid) ?? null;
  }

  rollbackPrepared(xid: number): void {
    const transaction = this.#prepared.get(xid);
    if (transaction === undefined) return;
    this.#prepared.delete(xid);
    this.#redo.push({ kind: 'rollback', transaction });
  }

  /** What is committed or prepared so far survives the process. */
  writeRedo(): void {
    this.#writtenRecords = this.#redo.length;
  }

  /** And the machine. */
  syncRedo(): void {
    if (this.#redo.length > 0) this.#redo = [];
    this.#writtenRecords = 0;
  }

  /**
   * The process is gone, and what it had not written. Nothing writes the commit of a transaction that is in the binlog: recovery can
   * repeat it from there.
   */
  loseBuffer(recordsKept: number): void {
    this.#takeBackTo(this.#writtenRecords + recordsKept);
  }

  /** RESET BINARY LOGS AND GTIDS empties `mysql.gtid_executed`. */
  resetGtids(): void {
    this.#gtids = new GtidSet();
    this.syncRedo();
  }

  /** The process is gone: its snapshots are, too. */
  forgetSnapshots(): void {
    this.#snapshots.clear();
    this.#purge();
  }

  /** The machine is gone: of the redo log behind the last sync the first `recordsKept` stay. */
  losePower(recordsKept: number): void {
    this.#takeBackTo(Math.min(recordsKept, this.#writtenRecords));
    this.syncRedo();
  }

  #takeBackTo(length: number): void {
    while (this.#redo.length > length) {
      const record = this.#redo.pop();
      if (record !== undefined) this.#takeBack(record);
    }
  }

  #takeBack(record: RedoRecord): void {
    const { transaction } = record;
    switch (record.kind) {
      case 'prepare':
        this.#prepared.delete(transaction.xid);
        return;
      case 'commit':
        record.undo();
        if (record.wasPrepared) this.#prepared.set(transaction.xid, transaction);
        return;
      case 'rollback':
        this.#prepared.set(transaction.xid, transaction);
        return;
    }
  }

  #apply({ edits, schemaChange, gtid }: EngineTransaction): () => void {
    this.#commitNumber += 1;
    for (const edit of edits) this.#write(edit.table, edit.key, edit.after);
    const undoSchema = schemaChange === null ? null : this.#applySchema(schemaChange);
    if (gtid !== null) this.#gtids.add(gtid);
    return () => {
      undoSchema?.();
      for (const edit of edits.toReversed()) this.#write(edit.table, edit.key, edit.before);
      if (gtid !== null) this.#gtids = this.#gtids.subtract(GtidSet.of(gtid));
    };
  }

  #write(table: string, key: string, value: string | null): void {
    const rows = this.#tables.get(table)?.rows;
    if (rows === undefined) return;
    const isKept = this.#snapshots.size > 0;
    const before = rows.get(key) ?? null;
    const older = isKept ? before : null;
    if (isKept) this.#oldVersions.push({ table, key });
    if (value === null && older === null) rows.delete(key);
    else rows.set(key, { value, commitNumber: this.#commitNumber, older });
  }

  #applySchema(change: SchemaChange): () => void {
    switch (change.kind) {
      case 'create-table':
        this.#tables.set(change.table, { comment: '', rows: new Map() });
        return () => this.#tables.delete(change.table);
      case 'drop-table': {
        const table = this.#tables.get(change.table);
        this.#tables.delete(change.table);
        return () => {
          if (table !== undefined) this.#tables.set(change.table, table);
        };
      }
      case 'alter-table': {
        const table = this.#tables.get(change.table);
        if (table === undefined) return () => undefined;
        const { comment } = table;
        table.comment = change.comment;
        return () => {
          table.comment = comment;
        };
      }
      case 'create-user':
        this.#users.add(change.user);
        return () => this.#users.delete(change.user);
      case 'drop-user':
        this.#users.delete(change.user);
        return () => this.#users.add(change.user);
    }
  }

  /** No snapshot is open: nothing but the newest version of a row matters. */
  #purge(): void {
    for (const { table, key } of this.#oldVersions) {
      const rows = this.#tables.get(table)?.rows;
      const version = rows?.get(key);
      if (version === undefined) continue;
      if (version.value === null) rows?.delete(key);
      else version.older = null;
    }
    this.#oldVersions = [];
  }
}

function valueAt(version: RowVersion, snapshot: number): string | null {
  let seen: RowVersion | null = version;
  while (seen !== null && seen.commitNumber > snapshot) seen = seen.older;
  return seen?.value ?? null;
}
