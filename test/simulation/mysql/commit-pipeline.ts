import { assert } from '../../../base/assert.ts';
import type { Gtid } from '../../../mysql-bridge/binlog/gtid.ts';
import { encodeServerUuid } from '../../../mysql-bridge/binlog/server-uuid.ts';
import type { BinlogFile } from './binlog-files.ts';
import type { EngineTransaction } from './engine.ts';
import { buildTransaction, type TransactionContent } from './event-bytes.ts';
import { type Fiber, type Steps, WaitList } from './fibers.ts';
import type { GtidState } from './gtid-state.ts';
import { LockOwner } from './lock-table.ts';
import type { BinlogPlace, Semisync } from './semisync.ts';
import type { ServerLife } from './server-life.ts';

/** A transaction on its way through the pipeline. */
interface Commit {
  readonly content: TransactionContent;
  readonly fiber: Fiber;
  readonly onEngineCommit: () => void;
  lastCommitted: number;
  /** From the flush on. */
  engine: EngineTransaction | null;
  gtid: Gtid | null;
  end: BinlogPlace | null;
  isDone: boolean;
}

const logLock = 'LOCK_log';
const mutex = { isInterruptible: false, watch: 'nobody' } as const;

/**
 * The binlog's group commit (MySQL source, `MYSQL_BIN_LOG::ordered_commit`): three stages, each with one group at a time and a
 * queue in front. While a group waits for its ack it holds the commit stage alone, so later groups are flushed, synced and
 * sent; all of them then gather in front of the commit stage, where they become one group that waits for the ack of its last.
 */
export class CommitPipeline {
  readonly #life: ServerLife;
  readonly #semisync: Semisync;
  readonly #gtids: GtidState;
  readonly #publish: () => void;
  readonly #uuid: Uint8Array;
  readonly #logOwner = new LockOwner();
  readonly #preparedGone: WaitList;
  readonly #idle: WaitList;
  #flushQueue: Commit[] = [];
  #syncQueue: Commit[] = [];
  #commitQueue: Commit[] = [];
  #isFlushing = false;
  #isSyncing = false;
  #isCommitting = false;
  #isRotationDue = false;
  /** Transactions in the binlog and not yet in the engine: a rotation waits for them. */
  #preparedCount = 0;
  #sequence = 0;
  #committedSequence = 0;
  #file: BinlogFile;

  constructor(options: {
    readonly life: ServerLife;
    readonly semisync: Semisync;
    readonly gtids: GtidState;
    /** The binlog may be sent up to where it is synced. */
    readonly publish: () => void;
  }) {
    this.#life = options.life;
    this.#semisync = options.semisync;
    this.#gtids = options.gtids;
    this.#publish = options.publish;
    this.#uuid = encodeServerUuid(options.life.disk.serverUuid);
    this.#preparedGone = new WaitList(options.life.fibers);
    this.#idle = new WaitList(options.life.fibers);
    const { newest } = options.life.disk.binlog;
    assert(newest !== null, 'a running server writes a binlog');
    this.#file = newest;
  }

  get isIdle(): boolean {
    return !(this.#isFlushing || this.#isSyncing || this.#isCommitting);
  }

  /** Returns when the engine has it. Nothing interrupts that: a KILL is noticed afterwards (FACTS §2). */
  *commit(content: TransactionContent, onEngineCommit: () => void): Steps<Gtid> {
    const commit: Commit = {
      content,
      fiber: this.#life.fibers.current,
      onEngineCommit,
      lastCommitted: this.#committedSequence,
      engine: null,
      gtid: null,
      end: null,
      isDone: false,
    };
    this.#flushQueue.push(commit);
    if (!this.#isFlushing) {
      this.#isFlushing = true;
      this.#life.fibers.spawn(this.#flush());
    }
    while (!commit.isDone) yield* this.#life.fibers.park(null);
    assert(commit.gtid !== null, 'a commit has a gtid');
    return commit.gtid;
  }

  /**
   * The applier's commit without `log_replica_updates`: in no binlog, and seen in the engine at once, with its GTID stored there. But its
   * GTID is in `gtid_executed` only when it had its turn in the commit stage, behind whoever waits for an ack there.
   */
  *commitApplied(transaction: EngineTransaction): Steps {
    const { gtid } = transaction;
    const life = this.#life;
    yield* life.work('engine-commit');
    life.disk.engine.commit(transaction);
    flushRedo(life);
    life.emit({ kind: 'committed', gtid, content: transaction, by: 'applier' });
    const commit: Commit = {
      content: transaction,
      fiber: life.fibers.current,
      onEngineCommit: () => undefined,
      lastCommitted: 0,
      engine: null,
      gtid,
      end: null,
      isDone: false,
    };
    this.#commitQueue.push(commit);
    this.#beginCommitting();
    while (!commit.isDone) yield* life.fibers.park(null);
  }

  /** FLUSH BINARY LOGS: nothing is flushed while it waits for what is prepared. */
  *rotate(): Steps {
    const { locks, disk, identity } = this.#life;
    const owner = new LockOwner();
    yield* locks.acquire(owner, logLock, 'X', mutex);
    while (this.#preparedCount > 0) yield* this.#preparedGone.wait({ isInterruptible: false });
    disk.engine.syncRedo();
    disk.binlog.close('rotate', identity);
    this.#file = disk.binlog.open(this.#gtids.logged, identity, false);
    this.#sequence = 0;
    this.#committedSequence = 0;
    this.#isRotationDue = false;
    this.#publish();
    locks.releaseAll(owner);
  }

  /** RESET BINARY LOGS AND GTIDS. What waits for an ack goes on without one. */
  *reset(): Steps {
    const { locks, disk, identity } = this.#life;
    const owner = new LockOwner();
    yield* locks.acquire(owner, logLock, 'X', mutex);
    disk.binlog.clear();
    this.#gtids.reset();
    disk.engine.resetGtids();
    this.#file = disk.binlog.open(this.#gtids.logged, identity, false);
    this.#sequence = 0;
    this.#committedSequence = 0;
    this.#semisync.reset();
    this.#publish();
    locks.releaseAll(owner);
  }

  /** Returns when nothing is on its way any more. */
  *drained(): Steps {
    while (!this.isIdle) yield* this.#idle.wait({ isInterruptible: false });
  }

  *#flush(): Steps {
    const life = this.#life;
    while (this.#flushQueue.length > 0) {
      yield* life.locks.acquire(this.#logOwner, logLock, 'X', mutex);
      const group = this.#flushQueue;
      this.#flushQueue = [];
      const bytes = group.reduce((sum, { content }) => sum + sizeOf(content), 0);
      yield* life.work('binlog-flush', bytes);
      for (const commit of group) this.#write(commit);
      flushRedo(life);
      this.#semisync.registerFlush({ file: this.#file.number, offset: this.#file.length });
      life.locks.releaseAll(this.#logOwner);
      this.#syncQueue.push(...group);
      if (!this.#isSyncing) {
        this.#isSyncing = true;
        life.fibers.spawn(this.#sync());
      }
    }
    this.#isFlushing = false;
    this.#idle.wakeAll();
  }

  #write(commit: Commit): void {
    const life = this.#life;
    const gtid = this.#gtids.generate();
    const xid = life.nextXid();
    this.#sequence += 1;
    const bytes = buildTransaction(commit.content, {
      serverId: life.identity.serverId,
      timestampSeconds: life.identity.timestampSeconds,
      serverUuid: this.#uuid,
      number: Number(gtid.number),
      // The clock of a file before means nothing in this one.
      lastCommitted: Math.min(commit.lastCommitted, this.#sequence - 1),
      sequenceNumber: this.#sequence,
      xid,
      offset: this.#file.length,
    });
    commit.gtid = gtid;
    commit.engine = { ...commit.content, xid, gtid };
    life.disk.engine.prepare(commit.engine);
    this.#file.append(bytes);
    this.#gtids.log(gtid);
    this.#preparedCount += 1;
    commit.end = { file: this.#file.number, offset: this.#file.length };
  }

  *#sync(): Steps {
    while (this.#syncQueue.length > 0) {
      const groups = this.#syncQueue;
      this.#syncQueue = [];
      const file = this.#file;
      const end = file.length;
      yield* this.#life.work('binlog-sync');
      file.syncedLength = Math.max(file.syncedLength, end);
      this.#publish();
      this.#commitQueue.push(...groups);
      this.#beginCommitting();
    }
    this.#isSyncing = false;
    this.#idle.wakeAll();
  }

  #beginCommitting(): void {
    if (this.#isCommitting) return;
    this.#isCommitting = true;
    this.#life.fibers.spawn(this.#commitAll());
  }

  *#commitAll(): Steps {
    while (this.#commitQueue.length > 0) {
      const group = this.#commitQueue;
      this.#commitQueue = [];
      const isAfterSync = this.#life.settings.semisyncWaitPoint === 'AFTER_SYNC';
      const last = group.findLast(({ end }) => end !== null)?.end ?? null;
      if (isAfterSync && last !== null) yield* this.#semisync.wait(last);
      for (const commit of group) {
        if (commit.engine !== null) yield* this.#commitInEngine(commit, commit.engine);
      }
      this.#gtids.execute(group.flatMap(({ gtid }) => (gtid === null ? [] : [gtid])));
      if (isAfterSync || last === null) this.#finish(group);
      else this.#life.fibers.spawn(this.#finishAfterAck(group, last));
      this.#rotateIfFull();
    }
    this.#isCommitting = false;
    this.#idle.wakeAll();
  }

  *#commitInEngine(commit: Commit, engine: EngineTransaction): Steps {
    yield* this.#life.work('engine-commit');
    this.#life.disk.engine.commit(engine);
    this.#life.emit({ kind: 'committed', gtid: commit.gtid, content: engine, by: 'session' });
    this.#committedSequence += 1;
    this.#preparedCount -= 1;
    if (this.#preparedCount === 0) this.#preparedGone.wakeAll();
    commit.onEngineCommit();
  }

  *#finishAfterAck(group: readonly Commit[], last: BinlogPlace): Steps {
    yield* this.#semisync.wait(last);
    this.#finish(group);
  }

  #finish(group: readonly Commit[]): void {
    for (const commit of group) {
      commit.isDone = true;
      this.#life.fibers.wake(commit.fiber);
    }
  }

  #rotateIfFull(): void {
    if (this.#isRotationDue || this.#file.length < this.#life.identity.binlogBytesMax) return;
    this.#isRotationDue = true;
    this.#life.fibers.spawn(this.rotate());
  }
}

/** `innodb_flush_log_at_trx_commit`: 1 syncs the redo log, 2 writes it. */
export function flushRedo({ settings, disk }: ServerLife): void {
  if (settings.flushLogAtCommit === 1) disk.engine.syncRedo();
  else disk.engine.writeRedo();
}

/** About how many bytes of binlog it will be, to tell the caller what the disk must do. */
function sizeOf({ edits }: TransactionContent): number {
  let bytes = 250;
  for (const { key, before, after } of edits) {
    bytes += 10 + key.length * 2 + (before?.length ?? 0) + (after?.length ?? 0);
  }
  return bytes;
}
