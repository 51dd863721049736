import { BinlogFiles } from './binlog-files.ts';
import { Engine } from './engine.ts';

/**
 * The data folder of a simulated server: what is left of it between two lives. `binlog` is read, and cut while the server is
 * stopped, by whoever plays the sidecar.
 */
export class SimMysqlDisk {
  /** `auto.cnf`. */
  readonly serverUuid: string;
  readonly binlog: BinlogFiles = new BinlogFiles();
  readonly engine: Engine = new Engine();
  /** CHANGE REPLICATION SOURCE was said; the relay log itself does not outlive the server (`relay_log_recovery`). */
  hasSource = false;
  /** Names of transactions for recovery are never used twice on one data folder. */
  nextXid = 1;

  constructor(serverUuid: string) {
    this.serverUuid = serverUuid;
  }

  /**
   * Cuts a binlog file of a stopped server, as the sidecar does after a crash. It is synced, so no power cut brings it back.
   */
  truncateBinlog(fileName: string, length: number): void {
    const file = this.binlog.all.find(({ name }) => name === fileName);
    file?.truncate(length);
    if (file !== undefined) file.syncedLength = file.length;
  }

  /** The process is gone: see the input `kill`. */
  loseProcess(redoRecordsKept: number): void {
    this.engine.loseBuffer(Math.max(0, redoRecordsKept));
  }

  /** The machine dies: see the input `power-cut`. */
  losePower(kept: { readonly binlogBytes: number; readonly redoRecords: number }): void {
    const { newest } = this.binlog;
    if (newest !== null) {
      const unsynced = newest.length - newest.syncedLength;
      newest.truncate(newest.syncedLength + Math.min(unsynced, Math.max(0, kept.binlogBytes)));
      newest.syncedLength = newest.length;
    }
    this.engine.losePower(Math.max(0, kept.redoRecords));
  }
}
