import { formatGtid } from '../../../mysql-bridge/binlog/gtid.ts';
import { type CommitPipeline, flushRedo } from './commit-pipeline.ts';
import type { TransactionContent } from './event-bytes.ts';
import { SimSqlError, type Steps } from './fibers.ts';
import { type AcquireOptions, globalReadLock, LockOwner } from './lock-table.ts';
import { checkSchemaChange, takeSchemaLocks } from './schema-locks.ts';
import type { ServerLife } from './server-life.ts';
import type { Session } from './session.ts';
import type { SchemaChange } from './sql-text.ts';
import { type RowChange, type SimAnswer, SimError, type SimRow } from './statements.ts';
import { Transaction } from './transaction.ts';

export const nothingDone: SimAnswer = { kind: 'ok', affected: 0, gtid: null };

/**
 * Transactions of sessions: what BEGIN, reads, changes, DDL and COMMIT lock, in MySQL's order. A statement that changes
 * something holds its part of the global read lock until it ends, a commit that of the commit lock: turning a server read-only
 * waits for both.
 */
export class SessionStatements {
  readonly #life: ServerLife;
  readonly #pipeline: CommitPipeline;

  constructor(life: ServerLife, pipeline: CommitPipeline) {
    this.#life = life;
    this.#pipeline = pipeline;
  }

  *begin(session: Session, isReadOnly: boolean): Steps<SimAnswer> {
    yield* this.commit(session);
    session.transaction = this.#newTransaction({ isExplicit: true, isReadOnly });
    return nothingDone;
  }

  *read(
    session: Session,
    statement: {
      readonly table: string;
      readonly keys: readonly string[];
      readonly lock?: 'share' | 'update';
    },
  ): Steps<SimAnswer> {
    const { table, keys } = statement;
    // A read that locks for a change counts as one.
    if (statement.lock === 'update') this.#checkWritable(session);
    const transaction = this.#open(session);
    yield* this.#useTable(transaction, table);
    const lock = this.#lockOfRead(session, transaction, statement.lock);
    // A row lock for a change and a scan of a SERIALIZABLE session exclude each other.
    if (lock === 'update') yield* this.#lock(transaction, `table:${table}`, 'IX');
    const rows: SimRow[] = [];
    for (const key of keys) {
      if (lock !== null) {
        yield* this.#lock(transaction, `row:${table}:${key}`, lock === 'update' ? 'X' : 'S');
      }
      const value = lock === null ? transaction.seen(table, key) : transaction.current(table, key);
      if (value !== null) rows.push([key, value]);
    }
    this.endStatement(session);
    return { kind: 'rows', rows };
  }

  *scan(session: Session, table: string): Steps<SimAnswer> {
    const transaction = this.#open(session);
    yield* this.#useTable(transaction, table);
    const isLocking = this.#lockOfRead(session, transaction, undefined) !== null;
    if (isLocking) yield* this.#lock(transaction, `table:${table}`, 'S');
    const rows = transaction.scan(table, isLocking ? 'current' : 'snapshot');
    this.endStatement(session);
    return { kind: 'rows', rows };
  }

  *write(session: Session, table: string, changes: readonly RowChange[]): Steps<SimAnswer> {
    this.#checkWritable(session);
    const transaction = this.#open(session);
    if (transaction.isReadOnly) {
      throw new SimSqlError(
        SimError.readOnlyTransaction,
        'Cannot execute statement in a READ ONLY transaction.',
      );
    }
    const statement = new LockOwner(transaction.locks);
    try {
      yield* this.#life.locks.acquire(statement, globalReadLock, 'IX');
      const affected = yield* this.#change(transaction, table, changes);
      const gtid = transaction.isExplicit ? null : yield* this.#commitOpen(session);
      this.endStatement(session);
      return { kind: 'ok', affected, gtid };
    } finally {
      this.#life.locks.releaseAll(statement);
    }
  }

  /** Commits what is open first, as every DDL does. */
  *changeSchema(session: Session, change: SchemaChange): Steps<SimAnswer> {
    this.#checkWritable(session);
    yield* this.commit(session);
    const owner = new LockOwner();
    try {
      yield* this.#life.locks.acquire(owner, globalReadLock, 'IX');
      yield* takeSchemaLocks(this.#life.locks, owner, change);
      checkSchemaChange(this.#life.disk.engine, change);
      yield* this.#life.locks.acquire(owner, 'commit', 'IX');
      this.#checkWritable(session);
      const gtid = yield* this.#commitContent(session, { edits: [], schemaChange: change });
      return { kind: 'ok', affected: 0, gtid };
    } finally {
      this.#life.locks.releaseAll(owner);
    }
  }

  *commit(session: Session): Steps<SimAnswer> {
    const gtid = yield* this.#commitOpen(session);
    return { kind: 'ok', affected: 0, gtid };
  }

  rollback(session: Session): void {
    const { transaction } = session;
    if (transaction === null) return;
    session.transaction = null;
    this.#end(transaction);
  }

  /** An autocommit statement ends its transaction; one that reads READ COMMITTED its view of the data. */
  endStatement(session: Session): void {
    const { transaction } = session;
    if (transaction === null) return;
    if (!transaction.isExplicit) this.rollback(session);
    else if (session.isolation === 'read-committed') transaction.closeSnapshot();
  }

  *#change(transaction: Transaction, table: string, changes: readonly RowChange[]): Steps<number> {
    const before = transaction.edits.length;
    try {
      yield* this.#useTable(transaction, table);
      yield* this.#lock(transaction, `table:${table}`, 'IX');
      let affected = 0;
      for (const change of changes) {
        yield* this.#lock(transaction, `row:${table}:${change.key}`, 'X');
        affected += transaction.change(table, change);
      }
      return affected;
    } catch (thrown) {
      transaction.rollbackTo(before);
      throw thrown;
    }
  }

  *#commitOpen(session: Session): Steps<string | null> {
    const { transaction } = session;
    if (transaction === null) return null;
    if (transaction.edits.length === 0) {
      this.rollback(session);
      return null;
    }
    const commit = new LockOwner(transaction.locks);
    try {
      yield* this.#life.locks.acquire(commit, 'commit', 'IX');
      this.#checkWritable(session);
      const { edits } = transaction;
      const gtid = yield* this.#commitContent(session, { edits, schemaChange: null }, () =>
        this.#end(transaction),
      );
      session.transaction = null;
      return gtid;
    } catch (thrown) {
      this.rollback(session);
      throw thrown;
    } finally {
      this.#life.locks.releaseAll(commit);
    }
  }

  /** Behind this point nothing interrupts. */
  *#commitContent(
    session: Session,
    content: TransactionContent,
    onEngineCommit: () => void = () => undefined,
  ): Steps<string | null> {
    session.isCommitting = true;
    if (session.isLogged) {
      const gtid = yield* this.#pipeline.commit(content, onEngineCommit);
      session.isCommitting = false;
      return formatGtid(gtid);
    }
    // sql_log_bin = 0: in no binlog, so without a GTID, and no ack is waited for.
    const { disk } = this.#life;
    yield* this.#life.work('engine-commit');
    disk.engine.commit({ ...content, xid: this.#life.nextXid(), gtid: null });
    flushRedo(this.#life);
    this.#life.emit({ kind: 'committed', gtid: null, content, by: 'session' });
    onEngineCommit();
    session.isCommitting = false;
    return null;
  }

  #newTransaction(how: {
    readonly isExplicit: boolean;
    readonly isReadOnly: boolean;
  }): Transaction {
    return new Transaction(this.#life.disk.engine, how);
  }

  #open(session: Session): Transaction {
    session.transaction ??= this.#newTransaction({ isExplicit: false, isReadOnly: false });
    return session.transaction;
  }

  #end(transaction: Transaction): void {
    transaction.closeSnapshot();
    this.#life.locks.releaseAll(transaction.locks);
  }

  /** Plain reads of a SERIALIZABLE transaction lock what they read; with autocommit they need not. */
  #lockOfRead(
    session: Session,
    transaction: Transaction,
    asked: 'share' | 'update' | undefined,
  ): 'share' | 'update' | null {
    if (asked !== undefined) return asked;
    return session.isolation === 'serializable' && transaction.isExplicit ? 'share' : null;
  }

  *#useTable(transaction: Transaction, table: string): Steps {
    yield* this.#life.locks.acquire(transaction.locks, `metadata:${table}`, 'S');
    if (this.#life.disk.engine.hasTable(table)) return;
    throw new SimSqlError(SimError.noSuchTable, `Table 'sim.${table}' doesn't exist`);
  }

  *#lock(transaction: Transaction, resource: string, mode: 'S' | 'X' | 'IX'): Steps {
    const { locks } = this.#life;
    if (locks.tryAcquire(transaction.locks, resource, mode)) return;
    yield* locks.acquire(transaction.locks, resource, mode, this.#rowWait);
  }

  /** `innodb_lock_wait_timeout` ends the statement, not the transaction. */
  readonly #rowWait: AcquireOptions = {
    watch: 'rows',
    onWait: (fail) =>
      this.#life.timer('lock-wait', this.#life.identity.lockWaitTimeoutMs, () =>
        fail(
          new SimSqlError(
            SimError.lockWaitTimeout,
            'Lock wait timeout exceeded; try restarting transaction',
          ),
        ),
      ),
  };

  #checkWritable(session: Session): void {
    const { readOnly, superReadOnly } = this.#life.settings;
    if (!superReadOnly && (!readOnly || session.isAdmin)) return;
    const option = superReadOnly ? '--super-read-only' : '--read-only';
    throw new SimSqlError(
      SimError.optionPrevents,
      `The MySQL server is running with the ${option} option so it cannot execute this statement`,
    );
  }
}
