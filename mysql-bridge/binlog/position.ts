/** A place in one server's binlog; means nothing on another server. */
export interface BinlogPosition {
  readonly file: string;
  readonly offset: bigint;
}
