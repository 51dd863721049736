import type { Gtid } from '../../../mysql-bridge/binlog/gtid.ts';
import type { CommitPipeline } from './commit-pipeline.ts';
import type { RowEdit } from './event-bytes.ts';
import { type ReadTransaction, readTransaction } from './event-reader.ts';
import { type Fiber, SimSqlError, type Steps, WaitList } from './fibers.ts';
import type { GtidState } from './gtid-state.ts';
import { globalReadLock, LockOwner } from './lock-table.ts';
import { checkSchemaChange, takeSchemaLocks } from './schema-locks.ts';
import type { ServerLife } from './server-life.ts';
import { SimError, type SimRow } from './statements.ts';

/** A transaction in the relay log. */
interface Relayed {
  readonly gtid: Gtid;
  readonly bytes: Uint8Array;
  /** Of the source's file it came in: its logical clock means nothing in another. */
  readonly fileNumber: number;
  /** Its place in the relay log. */
  readonly order: number;
}

interface Applying {
  readonly relayed: Relayed;
  readonly transaction: ReadTransaction;
  readonly locks: LockOwner;
  fiber: Fiber | null;
}

/**
 * Coordinator and workers (`replica_preserve_commit_order`): transactions that the source's logical clock lets run beside each
 * other are applied at once, and commit in the order of the relay log. Without `log_replica_updates` none of it is in the binlog, and
 * the GTID is stored in the same engine transaction.
 */
export class ReplicaApplier {
  readonly #life: ServerLife;
  readonly #gtids: GtidState;
  readonly #pipeline: CommitPipeline;
  #isRunning = false;
  #error: string | null = null;
  #relayLog: Relayed[] = [];
  /** In relay log order; the first is the one that may commit. */
  #applying: Applying[] = [];
  readonly #turn: WaitList;
  readonly #stopped: WaitList;
  #fileNumber = 0;
  #received = 0;
  /** Nothing more is begun. */
  #isStopping = false;
  /** What has begun is rolled back: a transaction before it failed, or the server shuts down. */
  #isAborting = false;

  constructor(life: ServerLife, gtids: GtidState, pipeline: CommitPipeline) {
    this.#life = life;
    this.#pipeline = pipeline;
    this.#gtids = gtids;
    this.#turn = new WaitList(life.fibers);
    this.#stopped = new WaitList(life.fibers);
  }

  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#isStopping = false;
    this.#isAborting = false;
    this.#error = null;
    this.#schedule();
  }

  /** Transactions that have begun are finished first; one that cannot go on (a lock) is waited for. */
  *stop(): Steps {
    if (!this.#isRunning) return;
    this.#isStopping = true;
    while (this.#applying.length > 0) yield* this.#stopped.wait({ isInterruptible: false });
    this.#isRunning = false;
  }

  /** The server shuts down: workers roll back. */
  abandon(): void {
    this.#abort();
  }

  /** RESET REPLICA: what was received and not applied is gone. */
  forget(): void {
    this.#relayLog = [];
    this.#error = null;
  }

  beginFile(): void {
    this.#fileNumber += 1;
  }

  add(gtid: Gtid, bytes: Uint8Array): void {
    this.#received += 1;
    this.#relayLog.push({ gtid, bytes, fileNumber: this.#fileNumber, order: this.#received });
    this.#schedule();
  }

  statusRows(): readonly SimRow[] {
    return [
      ['applier', this.#isRunning ? 'running' : 'stopped'],
      ['applier_error', this.#error ?? ''],
    ];
  }

  #schedule(): void {
    while (this.#isRunning && !this.#isStopping) {
      const next = this.#relayLog[0];
      if (next === undefined || this.#applying.length >= this.#life.identity.applierWorkers) return;
      if (this.#gtids.executed.has(next.gtid)) {
        // Applied already: skipped, which is what makes a crash in the middle harmless.
        this.#relayLog.shift();
        continue;
      }
      const transaction = readTransaction(next.bytes);
      if (!this.#mayRunBeside(next, transaction)) return;
      this.#relayLog.shift();
      const applying: Applying = {
        relayed: next,
        transaction,
        locks: new LockOwner(),
        fiber: null,
      };
      // A worker is never the victim of a deadlock with a session.
      applying.locks.weight = Number.POSITIVE_INFINITY;
      this.#applying.push(applying);
      applying.fiber = this.#life.fibers.spawn(this.#apply(applying));
    }
  }

  /**
   * Everything it may depend on (`last_committed`) has committed, as far as the clock of one file tells: whose clock that is, nobody
   * asks (MySQL source, `Mts_submode_logical_clock::schedule_next_event`).
   */
  #mayRunBeside(next: Relayed, { lastCommitted }: ReadTransaction): boolean {
    return this.#applying.every(
      ({ relayed, transaction }) =>
        relayed.fileNumber === next.fileNumber && transaction.sequenceNumber > lastCommitted,
    );
  }

  *#apply(applying: Applying): Steps {
    try {
      yield* this.#life.work('apply', applying.relayed.bytes.length);
      yield* this.#change(applying);
      while (this.#applying[0] !== applying) yield* this.#turn.wait({ isInterruptible: true });
      yield* this.#commit(applying);
    } catch (thrown) {
      if (!(thrown instanceof SimSqlError)) throw thrown;
      this.#fail(applying, thrown);
    }
    this.#life.locks.releaseAll(applying.locks);
    this.#applying = this.#applying.filter((other) => other !== applying);
    this.#turn.wakeAll();
    if (this.#applying.length === 0) {
      if (this.#isAborting) this.#isRunning = false;
      this.#stopped.wakeAll();
    }
    this.#schedule();
  }

  *#change({ transaction, locks }: Applying): Steps {
    const life = this.#life;
    yield* life.locks.acquire(locks, globalReadLock, 'IX');
    if (transaction.schemaChange !== null) {
      yield* takeSchemaLocks(life.locks, locks, transaction.schemaChange);
    }
    const rows = new RowCheck((table, key) => life.disk.engine.current(table, key));
    for (const edit of transaction.edits) {
      const { table, key } = edit;
      yield* life.locks.acquire(locks, `metadata:${table}`, 'S');
      yield* life.locks.acquire(locks, `table:${table}`, 'IX');
      yield* life.locks.acquire(locks, `row:${table}:${key}`, 'X', { watch: 'rows' });
      rows.check(edit);
    }
  }

  *#commit(applying: Applying): Steps {
    const { relayed, transaction, locks } = applying;
    if (this.#isAborting) throw stopped();
    const { engine } = this.#life.disk;
    if (transaction.schemaChange !== null) checkSchemaChange(engine, transaction.schemaChange);
    yield* this.#life.locks.acquire(locks, 'commit', 'IX');
    const { edits, schemaChange } = transaction;
    const xid = this.#life.nextXid();
    yield* this.#pipeline.commitApplied({ edits, schemaChange, xid, gtid: relayed.gtid });
  }

  /** The transaction stays in the relay log: a start tries it again. Those behind it could only commit after it. */
  #fail({ relayed }: Applying, error: SimSqlError): void {
    if (error.number !== SimError.queryInterrupted && this.#error === null) {
      this.#error = `${error.number} ${error.message}`;
      this.#life.emit({ kind: 'applier-failed', error: this.#error });
    }
    const index = this.#relayLog.findIndex(({ order }) => order > relayed.order);
    this.#relayLog.splice(index === -1 ? this.#relayLog.length : index, 0, relayed);
    this.#abort();
  }

  #abort(): void {
    this.#isStopping = true;
    this.#isAborting = true;
    for (const { fiber } of this.#applying) {
      if (fiber !== null) this.#life.fibers.interrupt(fiber, stopped());
    }
    if (this.#applying.length === 0) this.#isRunning = false;
  }
}

/** Rows must be as they were at the source (`replica_exec_mode = STRICT`), when they are changed and not only at the commit. */
class RowCheck {
  readonly #current: (table: string, key: string) => string | null;
  /** What the transaction itself made of a row. */
  readonly #own = new Map<string, string | null>();

  constructor(current: (table: string, key: string) => string | null) {
    this.#current = current;
  }

  check({ table, key, before, after }: RowEdit): void {
    const name = `${table}\0${key}`;
    const own = this.#own.get(name);
    const now = own === undefined ? this.#current(table, key) : own;
    if (before === null && now !== null) {
      throw new SimSqlError(SimError.duplicateKey, `Duplicate entry '${key}' for key 'PRIMARY'`);
    }
    if (before !== null && now === null) {
      throw new SimSqlError(SimError.keyNotFound, `Can't find record in '${table}'`);
    }
    this.#own.set(name, after);
  }
}

function stopped(): SimSqlError {
  return new SimSqlError(SimError.queryInterrupted, 'Query execution was interrupted');
}
