import type { GtidSet } from '../../../mysql-bridge/binlog/gtid-set.ts';
import type { BinlogPosition } from '../../../mysql-bridge/binlog/position.ts';
import type { SimStatement } from './statements.ts';

/** COM_BINLOG_DUMP_GTID and the session variables that come before it. */
export interface SimDumpRequest {
  readonly exclude: GtidSet;
  /** `@rpl_semi_sync_replica = 1`. */
  readonly isSemisync: boolean;
  /** `@replica_uuid`: a second dump of the same ends the first. */
  readonly replicaUuid: string;
  /** `@source_heartbeat_period`: when it is over the server notices that a replica is gone. Default 1000. */
  readonly heartbeatPeriodMs?: number;
}

/**
 * What may happen to the simulated server, in any order and at any moment. An input that the server cannot have (a statement on
 * a session that is closed, work of an earlier life) is ignored, as a network drops it.
 */
export type SimMysqlInput =
  /** Executes mysqld on its data folder: recovery is `work`, then `started`. Ignored while it runs. */
  | { readonly kind: 'start' }
  /**
   * SIGKILL: what was written stays, synced or not, since the machine goes on. Of the redo records still in the memory of the process
   * (`disk.engine.unwrittenRecords`) the first `redoRecordsKept` had just been written; default none.
   */
  | { readonly kind: 'kill'; readonly redoRecordsKept?: number }
  /** The machine dies: of what was written and not synced only as much stays as is said here, oldest first. */
  | {
      readonly kind: 'power-cut';
      readonly binlogBytesKept: number;
      readonly redoRecordsKept: number;
    }
  /** SIGTERM. */
  | { readonly kind: 'shutdown' }
  /** SIGSTOP: nothing is done until `resume`; inputs wait, except `kill` and `power-cut`. */
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  /** Numbers of sessions are the caller's and are its connection ids; none is used twice. */
  | {
      readonly kind: 'connect';
      readonly session: number;
      /** Has CONNECTION_ADMIN: writes in spite of `read_only`, though not of `super_read_only`. Default false. */
      readonly isAdmin?: boolean;
    }
  /** One at a time per session: the next after the answer. */
  | { readonly kind: 'statement'; readonly session: number; readonly statement: SimStatement }
  /** The client is gone: rolls back, unless its commit is already on its way. */
  | { readonly kind: 'disconnect'; readonly session: number }
  | { readonly kind: 'dump'; readonly session: number; readonly request: SimDumpRequest }
  | { readonly kind: 'ack'; readonly session: number; readonly position: BinlogPosition }
  /** The source took the connection of `source-connect`. */
  | { readonly kind: 'source-connected'; readonly connection: number }
  /** One whole event as the source sent it, without status byte; its own events (ROTATE, FORMAT_DESCRIPTION, heartbeat) included. */
  | { readonly kind: 'source-event'; readonly connection: number; readonly event: Uint8Array }
  /** Refused, or lost, or ended with an error packet: it connects again after its retry period, unless `error` is fatal (1236). */
  | { readonly kind: 'source-lost'; readonly connection: number; readonly error: number | null }
  /** The work or timer of that number took its time. */
  | { readonly kind: 'done'; readonly id: number }
  /** What InnoDB does every second: syncs its redo log. */
  | { readonly kind: 'flush-redo' }
  /** A scheduled event of the server is due: it runs if `event_scheduler` is ON. */
  | { readonly kind: 'event-due'; readonly statement: SimStatement };
