import type { GtidSet } from '../../../mysql-bridge/binlog/gtid-set.ts';
import type { CommitPipeline } from './commit-pipeline.ts';
import { SimSqlError, type Steps } from './fibers.ts';
import type { GtidState } from './gtid-state.ts';
import { globalReadLock, LockOwner } from './lock-table.ts';
import type { ReplicaApplier } from './replica-applier.ts';
import type { ReplicaReceiver } from './replica-receiver.ts';
import type { Semisync } from './semisync.ts';
import type { ServerLife } from './server-life.ts';
import { nothingDone } from './session-statements.ts';
import { type GlobalSettings, type SimAnswer, SimError, type SimRow } from './statements.ts';

/** Statements about the server as a whole: its settings, its binlog, its replication. */
export class ServerStatements {
  readonly #life: ServerLife;
  readonly #pipeline: CommitPipeline;
  readonly #gtids: GtidState;
  readonly #semisync: Semisync;
  readonly #receiver: ReplicaReceiver;
  readonly #applier: ReplicaApplier;

  constructor(parts: {
    readonly life: ServerLife;
    readonly pipeline: CommitPipeline;
    readonly gtids: GtidState;
    readonly semisync: Semisync;
    readonly receiver: ReplicaReceiver;
    readonly applier: ReplicaApplier;
  }) {
    this.#life = parts.life;
    this.#pipeline = parts.pipeline;
    this.#gtids = parts.gtids;
    this.#semisync = parts.semisync;
    this.#receiver = parts.receiver;
    this.#applier = parts.applier;
  }

  *setGlobal(settings: Partial<GlobalSettings>): Steps<SimAnswer> {
    const life = this.#life;
    const { readOnly, superReadOnly, ...others } = settings;
    if (readOnly === false) life.settings = { ...life.settings, readOnly, superReadOnly: false };
    if (superReadOnly === false) life.settings = { ...life.settings, superReadOnly };
    if ((readOnly ?? superReadOnly) === true && !life.settings.readOnly) {
      yield* this.#withGlobalReadLock(() => {
        life.settings = { ...life.settings, readOnly: true };
      });
    }
    if (superReadOnly === true && !life.settings.superReadOnly) {
      yield* this.#withGlobalReadLock(() => {
        life.settings = { ...life.settings, superReadOnly };
      });
    }
    life.settings = { ...life.settings, ...others };
    this.#semisync.settingsChanged();
    return nothingDone;
  }

  *flushBinaryLogs(): Steps<SimAnswer> {
    yield* this.#pipeline.rotate();
    return nothingDone;
  }

  /** Waits for commits in progress as a server that turns read-only does. */
  *resetBinaryLogs(): Steps<SimAnswer> {
    const owner = new LockOwner();
    const { locks } = this.#life;
    try {
      yield* locks.acquire(owner, globalReadLock, 'S');
      yield* locks.acquire(owner, 'commit', 'S');
      yield* this.#pipeline.reset();
    } finally {
      locks.releaseAll(owner);
    }
    return nothingDone;
  }

  *waitForExecuted(gtids: GtidSet, timeoutMs: number): Steps<SimAnswer> {
    const { fibers } = this.#life;
    const fiber = fibers.current;
    let isLate = false;
    const cancel = this.#life.timer('wait-for-executed', timeoutMs, () => {
      isLate = true;
      this.#gtids.waiting.leave(fiber);
      fibers.wake(fiber);
    });
    try {
      while (!isLate && !gtids.isSubsetOf(this.#gtids.executed)) {
        yield* this.#gtids.waiting.wait({ isInterruptible: true });
      }
    } finally {
      cancel();
    }
    return { kind: 'value', value: isLate ? '1' : '0' };
  }

  /** What the sidecar says to follow: relay logs of an earlier source are dropped. */
  *follow(): Steps<SimAnswer> {
    yield* this.stopReplica();
    this.#receiver.forget();
    this.#applier.forget();
    this.#life.disk.hasSource = true;
    return this.startReplica();
  }

  startReplica(): SimAnswer {
    if (!this.#life.disk.hasSource) {
      throw new SimSqlError(SimError.noSource, 'The server is not configured as replica');
    }
    this.#applier.start();
    this.#receiver.start();
    return nothingDone;
  }

  *stopReplica(): Steps<SimAnswer> {
    this.#receiver.stop();
    yield* this.#applier.stop();
    return nothingDone;
  }

  executedText(): string {
    return this.#gtids.executed.toString().replaceAll(/\s/g, '');
  }

  semisyncRows(): readonly SimRow[] {
    const semisync = this.#semisync;
    return [
      ['status', semisync.isOn ? 'ON' : 'OFF'],
      ['clients', String(semisync.clientCount)],
      ['no_tx', String(semisync.unacknowledged)],
      ['yes_tx', String(semisync.acknowledged)],
      ['wait_sessions', String(semisync.waitingSessions)],
      ['wait_point', this.#life.settings.semisyncWaitPoint],
      ...(this.#life.wasBinlogOff ? [['was_log_bin_off', 'yes'] as const] : []),
    ];
  }

  settingsRows(): readonly SimRow[] {
    return Object.entries(this.#life.settings).map(([name, value]) => [name, String(value)]);
  }

  schemaRows(): readonly SimRow[] {
    const { tables, users } = this.#life.disk.engine;
    return [
      ...tables.map(({ name, comment }): SimRow => [`table ${name}`, comment]),
      ...users.map((user): SimRow => [`user ${user}`, '']),
    ];
  }

  binlogRows(): readonly SimRow[] {
    const { newest } = this.#life.disk.binlog;
    return [
      ['file', newest?.name ?? ''],
      ['position', String(newest?.length ?? 0)],
    ];
  }

  replicaRows(): readonly SimRow[] {
    return [...this.#receiver.statusRows(), ...this.#applier.statusRows()];
  }

  /**
   * Takes the global read lock, then blocks commits (MySQL source, `fix_read_only`, `fix_super_read_only`): it waits for every change
   * and commit in progress, and while it waits new ones wait behind it.
   */
  *#withGlobalReadLock(change: () => void): Steps {
    const { locks } = this.#life;
    const owner = new LockOwner();
    try {
      yield* locks.acquire(owner, globalReadLock, 'S');
      yield* locks.acquire(owner, 'commit', 'S');
      change();
    } finally {
      locks.releaseAll(owner);
    }
  }
}
