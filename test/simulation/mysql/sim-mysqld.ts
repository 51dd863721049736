import { assert } from '../../../base/assert.ts';
import type { SimMysqlEffect } from './effects.ts';
import type { SimMysqlInput } from './inputs.ts';
import { SimMysqlDisk } from './sim-mysql-disk.ts';

export interface SimMysqldOptions {
  readonly serverId: number;
  /** Of the data folder that is there at the beginning. */
  readonly serverUuid: string;
  /** `replicate_same_server_id`; default true, as the sidecar configures its servers. */
  readonly replicateSameServerId?: boolean;
  /** `replica_parallel_workers`, commit order preserved; default 4. */
  readonly applierWorkers?: number;
  /** `max_binlog_size`; default 1 GiB. */
  readonly binlogBytesMax?: number;
  /** `innodb_lock_wait_timeout`; default 50 000. */
  readonly lockWaitTimeoutMs?: number;
  /** `SOURCE_CONNECT_RETRY`; default 1000. */
  readonly connectRetryMs?: number;
  /** In all events: the model has no clock. Default 1 700 000 000. */
  readonly timestampSeconds?: number;
}

/**
 * A mysqld of the simulation: a stated model of what MySQL 9.7 does where this project depends on it (`DESIGN.md` beside this
 * file), held to a real server by the cases in `cases/`. Pure and deterministic: `step` takes what happens and answers what the
 * server does; what takes time is `work` or a `timer`, ended by the input `done` when the caller says so. It is the same object
 * over crashes and restarts; `disk` is what survives them.
 *
 *   const mysqld = new SimMysqld({ serverId: 1, serverUuid });
 *   mysqld.step({ kind: 'start' })                          // [work recover 1]
 *   mysqld.step({ kind: 'done', id: 1 })                    // [started]
 *   mysqld.step({ kind: 'connect', session: 7 })            // [connected 7]
 *   mysqld.step({ kind: 'statement', session: 7, statement })  // [work execute 2] … [answer 7]
 */
export class SimMysqld {
  readonly #disk: SimMysqlDisk;

  constructor(options: SimMysqldOptions) {
    this.#disk = new SimMysqlDisk(options.serverUuid);
  }

  /** `stopped` also after a crash; `running` once `started` was said; paused or not. */
  get state(): 'stopped' | 'starting' | 'running' | 'shutting-down' {
    return 'stopped';
  }

  get isPaused(): boolean {
    return false;
  }

  /** What would be there if the process ended now. Cut the binlog of a stopped server by `disk.truncateBinlog`. */
  get disk(): SimMysqlDisk {
    return this.#disk;
  }

  /** A new, empty data folder, as after moving the old one aside. Only while stopped. */
  rebuild(_serverUuid: string): void {
    assert(false, 'not yet modelled');
  }

  /** What happens, and what the server does about it, in order. */
  step(_input: SimMysqlInput): readonly SimMysqlEffect[] {
    assert(false, 'not yet modelled');
  }
}
