import { assert } from '../../../base/assert.ts';
import type { SimMysqlEffect, SimTimer, SimWork } from './effects.ts';
import { type Fiber, Fibers, type Steps } from './fibers.ts';
import { LockTable } from './lock-table.ts';
import type { SimMysqlDisk } from './sim-mysql-disk.ts';
import type { GlobalSettings } from './statements.ts';

/** What does not change in a simulated server. */
export interface ServerIdentity {
  readonly serverId: number;
  readonly timestampSeconds: number;
  readonly replicateSameServerId: boolean;
  readonly applierWorkers: number;
  readonly binlogBytesMax: number;
  readonly lockWaitTimeoutMs: number;
  readonly connectRetryMs: number;
}

/** As the sidecar starts its server. */
export const startSettings: GlobalSettings = {
  readOnly: true,
  superReadOnly: true,
  eventScheduler: false,
  semisyncEnabled: true,
  semisyncWaitsWithoutReplica: true,
  semisyncWaitPoint: 'AFTER_SYNC',
  flushLogAtCommit: 1,
};

/** Numbers for work and timers, never used twice, whatever lives and dies. */
export class WorkNumbers {
  #last = 0;

  next(): number {
    this.#last += 1;
    return this.#last;
  }
}

/**
 * One life of the process, from its start to its end: everything in it is forgotten by a kill. Its parts share this: the disk,
 * the threads, the locks, the settings, and the way out.
 */
export class ServerLife {
  readonly identity: ServerIdentity;
  readonly disk: SimMysqlDisk;
  readonly fibers: Fibers = new Fibers();
  readonly locks: LockTable = new LockTable(this.fibers);
  readonly emit: (effect: SimMysqlEffect) => void;
  settings: GlobalSettings = startSettings;
  isShuttingDown = false;
  /** `performance_schema` remembers it: a session set `sql_log_bin` to 0. */
  wasBinlogOff = false;
  readonly #numbers: WorkNumbers;
  readonly #pending = new Map<number, Fiber | (() => void)>();

  constructor(options: {
    readonly identity: ServerIdentity;
    readonly disk: SimMysqlDisk;
    readonly numbers: WorkNumbers;
    readonly emit: (effect: SimMysqlEffect) => void;
  }) {
    this.identity = options.identity;
    this.disk = options.disk;
    this.emit = options.emit;
    this.#numbers = options.numbers;
  }

  /** Takes the time that the caller gives it. */
  *work(work: SimWork, bytes = 0): Steps {
    const id = this.#numbers.next();
    this.#pending.set(id, this.fibers.current);
    this.emit({ kind: 'work', id, work, bytes });
    yield* this.fibers.park(null);
  }

  /** Calls back after `ms`, unless cancelled. */
  timer(timer: SimTimer, ms: number, callback: () => void): () => void {
    const id = this.#numbers.next();
    this.#pending.set(id, callback);
    this.emit({ kind: 'timer', id, timer, ms });
    return () => this.#pending.delete(id);
  }

  /** Ignores what is not, or no longer, under way. */
  done(id: number): void {
    const waiting = this.#pending.get(id);
    if (waiting === undefined) return;
    this.#pending.delete(id);
    if (typeof waiting === 'function') waiting();
    else this.fibers.wake(waiting);
  }

  nextXid(): number {
    assert(this.disk.nextXid < Number.MAX_SAFE_INTEGER, 'xids are whole numbers');
    const xid = this.disk.nextXid;
    this.disk.nextXid += 1;
    return xid;
  }
}
