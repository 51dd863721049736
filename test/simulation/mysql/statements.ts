import type { GtidSet } from '../../../mysql-bridge/binlog/gtid-set.ts';

// What a session may ask of the simulated server. Statements are data, not text: the proxy and the bridge never depend on what
// a statement says, and the driver for a real server has the SQL of each (`real-sql.ts`). Every table has one shape:
//   CREATE TABLE t (k VARBINARY(64) PRIMARY KEY, v MEDIUMBLOB NOT NULL)

/** A change of one row, under its exclusive lock; it works on the newest committed value, as every locking read does. */
export type RowChange =
  /** INSERT: error 1062 when the key is there. */
  | { readonly kind: 'insert'; readonly key: string; readonly value: string }
  /** REPLACE-like: INSERT … ON DUPLICATE KEY UPDATE v = value. */
  | { readonly kind: 'put'; readonly key: string; readonly value: string }
  /** INSERT … ON DUPLICATE KEY UPDATE v = CONCAT(v, ',', value); the first value stands alone. */
  | { readonly kind: 'append'; readonly key: string; readonly value: string }
  /** UPDATE t SET v = v + amount WHERE k = key: no row, nothing affected. */
  | { readonly kind: 'add'; readonly key: string; readonly amount: number }
  /** UPDATE t SET v = to WHERE k = key AND v = from: `affected` tells whether it did. */
  | {
      readonly kind: 'compare-and-set';
      readonly key: string;
      readonly from: string;
      readonly to: string;
    }
  | { readonly kind: 'delete'; readonly key: string };

export type Isolation = 'read-committed' | 'repeatable-read' | 'serializable';

/** Settings that SET GLOBAL changes here; all are back to `startSettings` at the next start, as after the options of a server. */
export interface GlobalSettings {
  /** Off clears `superReadOnly`, too. */
  readonly readOnly: boolean;
  /** On sets `readOnly` first, in a step of its own: writes of administrators may pass between the two. */
  readonly superReadOnly: boolean;
  readonly eventScheduler: boolean;
  readonly semisyncEnabled: boolean;
  /** Go on without an ack when no semisync replica is attached (`rpl_semi_sync_source_wait_no_replica = OFF`). */
  readonly semisyncWaitsWithoutReplica: boolean;
  /** `rpl_semi_sync_source_wait_point`. */
  readonly semisyncWaitPoint: 'AFTER_SYNC' | 'AFTER_COMMIT';
  /** `innodb_flush_log_at_trx_commit`. */
  readonly flushLogAtCommit: 1 | 2;
}

/** What concerns a session, its transaction, or another session. */
export type SessionStatement =
  | { readonly kind: 'ping' }
  | { readonly kind: 'begin'; readonly isReadOnly?: boolean }
  | { readonly kind: 'commit' }
  | { readonly kind: 'rollback' }
  | { readonly kind: 'set-isolation'; readonly isolation: Isolation }
  /** SET sql_log_bin: not within a transaction. */
  | { readonly kind: 'set-log-bin'; readonly isOn: boolean }
  /** Answers with the rows found, in the order of the keys given. `lock` makes it FOR SHARE or FOR UPDATE. */
  | {
      readonly kind: 'read';
      readonly table: string;
      readonly keys: readonly string[];
      readonly lock?: 'share' | 'update';
    }
  /** The whole table, by key. */
  | { readonly kind: 'scan'; readonly table: string }
  /** One statement, all or nothing: on an error its own changes are undone, and the transaction goes on (1213 ends it). */
  | { readonly kind: 'write'; readonly table: string; readonly changes: readonly RowChange[] }
  /** Atomic DDL: commits the open transaction first. */
  | { readonly kind: 'create-table'; readonly table: string }
  | { readonly kind: 'drop-table'; readonly table: string }
  /** ALTER TABLE t COMMENT = …: changes the schema, not the rows. */
  | { readonly kind: 'alter-table'; readonly table: string; readonly comment: string }
  | { readonly kind: 'create-user'; readonly user: string }
  | { readonly kind: 'drop-user'; readonly user: string }
  | { readonly kind: 'kill'; readonly session: number; readonly what: 'query' | 'connection' }
  /** Rows [session, command]: `Sleep`, `Query`, or `Binlog Dump GTID`. */
  | { readonly kind: 'processlist' }
  /** SHUTDOWN, as SIGTERM. */
  | { readonly kind: 'shutdown' };

/** What concerns the server: its settings, its binlog, its replication. */
export type ServerStatement =
  /** Answers rows [`table NAME`, comment] and [`user NAME`, '']. Locks nothing. */
  | { readonly kind: 'show-schema' }
  | { readonly kind: 'set-global'; readonly settings: Partial<GlobalSettings> }
  | { readonly kind: 'flush-binary-logs' }
  /** RESET BINARY LOGS AND GTIDS. */
  | { readonly kind: 'reset-binary-logs' }
  /** @@GLOBAL.gtid_executed, without spaces. */
  | { readonly kind: 'gtid-executed' }
  /** WAIT_FOR_EXECUTED_GTID_SET: `0` when executed, `1` at the timeout. */
  | { readonly kind: 'wait-for-executed'; readonly gtids: GtidSet; readonly timeoutMs: number }
  /**
   * Rows of name and value: `status`, `clients`, `no_tx`, `yes_tx`, `wait_sessions`, `wait_point`; `was_log_bin_off` once a session of
   * this life of the server turned its binlog off.
   */
  | { readonly kind: 'semisync-status' }
  /** Rows of name and value, names as in `GlobalSettings`. */
  | { readonly kind: 'global-settings' }
  /** File and position where the next event goes: rows [`file`, …], [`position`, …]. */
  | { readonly kind: 'binlog-status' }
  /** STOP REPLICA; RESET REPLICA ALL; CHANGE REPLICATION SOURCE TO … ; START REPLICA. */
  | { readonly kind: 'follow' }
  /** START REPLICA after `stop-replica`: what was received and not applied is still there. */
  | { readonly kind: 'start-replica' }
  /** STOP REPLICA: ends the connection; the applier finishes the transactions it is in. */
  | { readonly kind: 'stop-replica' }
  /** Rows `receiver` (running, connecting, stopped), `receiver_error`, `applier`, `applier_error`, `retrieved`. */
  | { readonly kind: 'replica-status' };

export type SimStatement = SessionStatement | ServerStatement;

/** Of every table's rows: key and value. Of other questions: name and value. */
export type SimRow = readonly [string, string];

export type SimAnswer =
  /** `gtid`: what the session's commit got, as `session_track_gtids = OWN_GTID` reports it; null when it committed nothing. */
  | { readonly kind: 'ok'; readonly affected: number; readonly gtid: string | null }
  | { readonly kind: 'rows'; readonly rows: readonly SimRow[] }
  | { readonly kind: 'value'; readonly value: string }
  | { readonly kind: 'error'; readonly number: number; readonly message: string };

/** Error numbers of MySQL (manual, "Server Error Message Reference"). */
export const SimError = {
  duplicateKey: 1062,
  unknownThread: 1094,
  noSuchTable: 1146,
  tableExists: 1050,
  unknownTable: 1051,
  lockWaitTimeout: 1205,
  deadlock: 1213,
  optionPrevents: 1290,
  queryInterrupted: 1317,
  cannotUser: 1396,
  readOnlyTransaction: 1792,
  logBinInTransaction: 1694,
  dumpFatal: 1236,
  noSource: 1200,
  shutdownInProgress: 1053,
  keyNotFound: 1032,
  runHook: 3100,
} as const;
