import { binlogMagic } from '../../../mysql-bridge/binlog/binlog-file-scan.ts';
import { isChecksumRight } from '../../../mysql-bridge/binlog/checksum.ts';
import { EventType } from '../../../mysql-bridge/binlog/event-types.ts';
import type { Gtid } from '../../../mysql-bridge/binlog/gtid.ts';
import { GtidSet } from '../../../mysql-bridge/binlog/gtid-set.ts';
import type { BinlogFile } from './binlog-files.ts';
import { previousGtids } from './dump-senders.ts';
import type { EngineTransaction } from './engine.ts';
import { eventSizeAt, eventTypeAt, readGtidAt, readQueryAt, u64At } from './event-reader.ts';
import type { SimMysqlDisk } from './sim-mysql-disk.ts';

/** What a start finds in the newest binlog file. */
interface FileContents {
  /** The end of the last whole transaction, or control event. */
  readonly end: number;
  readonly xids: ReadonlySet<number>;
  readonly gtids: readonly Gtid[];
}

const emptyFile: FileContents = { end: 0, xids: new Set(), gtids: [] };

/** A server's GTIDs as it knows them after its start. */
export interface RecoveredGtids {
  readonly executed: GtidSet;
  readonly logged: GtidSet;
  /** What recovery committed, because the binlog has it. */
  readonly committed: readonly EngineTransaction[];
}

/**
 * What mysqld does before it listens (MySQL source, `MYSQL_BIN_LOG::open_binlog`, `binlog::Binlog_recovery`). Of a file that was
 * not closed, the torn end goes; prepared transactions that are whole in it are committed, acked or not, and all others rolled
 * back. Null when there is no such file that it can read.
 */
export function recover(disk: SimMysqlDisk): RecoveredGtids | null {
  const { engine, binlog } = disk;
  engine.forgetSnapshots();
  const { newest } = binlog;
  const contents = newest === null ? emptyFile : readFile(newest);
  if (contents === null) return null;
  const committed = newest?.isInUse === true ? commitPrepared(disk, contents) : [];
  if (newest?.isInUse === true) closeCrashed(newest, contents);
  for (const xid of engine.preparedXids) engine.rollbackPrepared(xid);
  engine.syncRedo();
  const logged = newest === null ? new GtidSet() : previousGtids(newest);
  for (const gtid of contents.gtids) logged.add(gtid);
  return { executed: engine.gtids.union(logged), logged, committed };
}

function commitPrepared(
  { engine }: SimMysqlDisk,
  { xids }: FileContents,
): readonly EngineTransaction[] {
  const committed: EngineTransaction[] = [];
  for (const xid of engine.preparedXids) {
    const transaction = engine.prepared(xid);
    if (transaction === null || !xids.has(xid)) continue;
    engine.commit(transaction);
    if (transaction.gtid !== null) committed.push(transaction);
  }
  return committed;
}

function closeCrashed(file: BinlogFile, { end }: FileContents): void {
  file.truncate(end);
  file.clearInUse();
  file.syncedLength = file.length;
}

function readFile(file: BinlogFile): FileContents | null {
  const bytes = file.bytes();
  const headEnd = binlogMagic.length + eventSizeAt(bytes, binlogMagic.length);
  const [head] = file.chunks;
  if (head === undefined || bytes.length < headEnd) return null;
  const xids = new Set<number>();
  const gtids: Gtid[] = [];
  let end = head.length;
  let open: { readonly gtid: Gtid; hasBegun: boolean } | null = null;
  for (let at = end; isWholeEvent(bytes, at); at += eventSizeAt(bytes, at)) {
    const type = eventTypeAt(bytes, at);
    const after = at + eventSizeAt(bytes, at);
    if (type === EventType.gtid) {
      open = { gtid: readGtidAt(bytes, at), hasBegun: false };
      continue;
    }
    if (open === null) {
      end = after;
      continue;
    }
    const xid = xidOf(bytes, at, open);
    if (xid === null) continue;
    xids.add(xid);
    gtids.push(open.gtid);
    open = null;
    end = after;
  }
  return { end, xids, gtids };
}

/** The xid of an event that ends its transaction; null of one that does not. */
function xidOf(bytes: Uint8Array, at: number, open: { hasBegun: boolean }): number | null {
  const type = eventTypeAt(bytes, at);
  if (type === EventType.xid) return u64At(bytes, at + 19);
  if (type !== EventType.query) return null;
  const query = readQueryAt(bytes, at);
  if (query.statement === 'BEGIN') open.hasBegun = true;
  return open.hasBegun ? null : query.xid;
}

function isWholeEvent(bytes: Uint8Array, at: number): boolean {
  if (at + 19 > bytes.length) return false;
  const size = eventSizeAt(bytes, at);
  if (size < 23 || at + size > bytes.length) return false;
  return isChecksumRight(bytes.subarray(at, at + size));
}
