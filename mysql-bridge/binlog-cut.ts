import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../base/errors.ts';
import { FatalError } from '../base/fatal.ts';
import { BinlogError } from './binlog/binlog-error.ts';
import { type BinlogFileEnd, BinlogFileScan, type ScanDepth } from './binlog/binlog-file-scan.ts';
import { CutPlanner } from './binlog/cut-planner.ts';
import { formatGtid, type Gtid } from './binlog/gtid.ts';
import { GtidSearch } from './binlog/gtid-search.ts';
import { BinlogComparison, type LoggedContents } from './binlog-comparison.ts';
import { readBinlogIndex } from './binlog-index.ts';
import { type CutSource, type SavedCut, saveCutBytes } from './saved-cuts.ts';

/** An open file of a binlog, as `node:fs/promises` opens one. */
export interface BinlogFile extends CutSource, AsyncDisposable {
  stat(options: { readonly bigint: true }): Promise<{ readonly size: bigint }>;
  truncate(bytes: number): Promise<void>;
  sync(): Promise<void>;
}

/** The files of a stopped server: those of its data folder, unless a simulation has others. */
export interface BinlogFiles {
  /** Names inside the data folder, oldest first. */
  readIndex(): Promise<readonly string[]>;
  open(name: string, flags: 'r' | 'r+'): Promise<BinlogFile>;
}

export interface BinlogTailOptions {
  readonly dataDirectory: string;
  /** What `log_bin` is set to, without a folder: `binlog` for `binlog.000001` and `binlog.index`. */
  readonly baseName: string;
  /** Whether the Raft log holds this transaction as committed; asked once the log is decided. */
  readonly isCommitted: (gtid: Gtid) => boolean;
  /** What the log has under the names of those that are; asked in the order of the newest file. */
  readonly logged: LoggedContents;
  readonly files?: BinlogFiles;
}

export interface CutBinlogOptions extends BinlogTailOptions {
  /** Where the cut bytes are kept for an operator, beside the sidecar's own data; null keeps nothing. */
  readonly saveDirectory: string | null;
}

/** The end of a stopped server's binlog, held against the Raft log. */
export type BinlogTail =
  | { readonly kind: 'empty' }
  | {
      readonly kind: 'found';
      readonly file: string;
      readonly fileBytes: bigint;
      /** Everything from here on must go; `fileBytes` when nothing must. */
      readonly cutAt: bigint;
      /** Transactions behind `cutAt`, and the names of the first 1000. */
      readonly transactions: number;
      readonly gtids: readonly string[];
      /** Half a transaction or torn bytes at the end, in words. */
      readonly damage: string | null;
      readonly lastCommitted: string | null;
    };

export type CutOutcome =
  | { readonly kind: 'nothing-to-cut' }
  | {
      readonly kind: 'cut';
      readonly file: string;
      readonly offset: bigint;
      readonly bytes: bigint;
      readonly transactions: number;
      readonly gtids: readonly string[];
      readonly damage: string | null;
      readonly saved: SavedCut;
    };

/** Some milliseconds of work: heartbeats of the same thread must not wait longer. */
const chunkBytes = 256 * 1024;

/**
 * Looks at the binlog of a stopped mysqld without changing it. Rejects with FatalError BINLOG_UNDECIDABLE when no cut can be
 * right: then the node's server must be rebuilt.
 */
export async function inspectBinlogTail(options: BinlogTailOptions): Promise<BinlogTail> {
  const names = await filesOf(options).readIndex();
  const newest = names.at(-1);
  if (newest === undefined) return { kind: 'empty' };
  const previous = names.at(-2);
  if (previous !== undefined) await checkPreviousFile(previous, options);
  return await inspectNewestFile(newest, options);
}

/**
 * Makes the binlog of a stopped mysqld end behind its last transaction that is committed in the Raft log, before that
 * mysqld starts: its crash recovery commits every transaction that is whole in the binlog, and rolls back the others.
 * Does nothing when nothing is to be cut; repeating it is harmless.
 */
export async function cutBinlog(options: CutBinlogOptions): Promise<CutOutcome> {
  const tail = await inspectBinlogTail(options);
  if (tail.kind === 'empty' || tail.cutAt === tail.fileBytes) return { kind: 'nothing-to-cut' };
  const { file, cutAt, fileBytes, transactions, gtids, damage } = tail;
  await using handle = await openFile(options, file, 'r+');
  const saved = await saveCutBytes({
    directory: options.saveDirectory,
    source: handle,
    file,
    from: cutAt,
    to: fileBytes,
  });
  await handle.truncate(Number(cutAt));
  // A length that is not on disk would be undone by a power failure, after the server was started on it.
  await handle.sync();
  return {
    kind: 'cut',
    file,
    offset: cutAt,
    bytes: fileBytes - cutAt,
    transactions,
    gtids,
    damage,
    saved,
  };
}

/**
 * A rotation waits for all prepared transactions, so an uncommitted one stands in the newest file alone. Statements that
 * prepare nothing (ANALYZE, OPTIMIZE, FLUSH) do not hold it up; then the node is rebuilt, which is rare and safe.
 */
async function checkPreviousFile(file: string, options: BinlogTailOptions): Promise<void> {
  const planner = new CutPlanner(options.isCommitted);
  await scanFile(file, { ...options, depth: 'gtids', compared: null }, planner);
  const { transactions, gtids } = planner.plan;
  if (transactions === 0) return;
  throw undecidable(
    `${transactions} transactions of ${file} are not committed in the log, the first is ${gtids[0]}: ` +
      'only the newest binlog file may hold such',
  );
}

async function inspectNewestFile(file: string, options: BinlogTailOptions): Promise<BinlogTail> {
  const planner = new CutPlanner(options.isCommitted);
  const { fileBytes, end, damage, wasClosed } = await scanFile(
    file,
    { ...options, depth: 'events', compared: options.logged },
    planner,
  );
  if (planner.contradiction !== null) throw undecidable(`${file}: ${planner.contradiction}`);
  const { from, transactions, gtids, lastCommitted } = planner.plan;
  if (from !== null && wasClosed) {
    throw undecidable(
      `${file} was closed by a server that shut down, with ${transactions} transactions that are not committed in the ` +
        `log, the first is ${gtids[0]}: a shutdown commits what waits for its ack, so cutting the binlog undoes nothing`,
    );
  }
  if (damage !== null) await checkBehindDamage({ file, from: end, fileBytes }, options);
  return {
    kind: 'found',
    file,
    fileBytes,
    cutAt: from ?? end,
    transactions,
    gtids,
    damage,
    lastCommitted: lastCommitted === null ? null : formatGtid(lastCommitted),
  };
}

/**
 * What a crash tears was never synced, and what is committed was synced before. So a committed transaction behind the
 * damage means that the file was damaged later, and that the engine may hold what the binlog has lost.
 */
async function checkBehindDamage(
  range: { readonly file: string; readonly from: bigint; readonly fileBytes: bigint },
  options: BinlogTailOptions,
): Promise<void> {
  const search = new GtidSearch();
  const check = (gtids: readonly Gtid[]): void => {
    const committed = gtids.find((gtid) => options.isCommitted(gtid));
    if (committed === undefined) return;
    throw undecidable(
      `${range.file} is damaged at ${range.from}, and ${formatGtid(committed)} behind it is committed in the log`,
    );
  };
  await using handle = await openFile(options, range.file, 'r');
  for await (const chunk of chunksOf(handle, range.from)) check(search.push(chunk));
  check(search.finish());
}

async function scanFile(
  file: string,
  options: BinlogTailOptions & {
    readonly depth: ScanDepth;
    readonly compared: LoggedContents | null;
  },
  planner: CutPlanner,
): Promise<BinlogFileEnd & { readonly fileBytes: bigint }> {
  await using handle = await openFile(options, file, 'r');
  const { size } = await handle.stat({ bigint: true });
  const { depth, compared, isCommitted } = options;
  const comparison =
    compared === null ? null : new BinlogComparison({ file: handle, logged: compared });
  const scan = new BinlogFileScan(depth, (transaction) => {
    planner.take(transaction);
    if (isCommitted(transaction.gtid)) comparison?.take(transaction);
  });
  try {
    for await (const chunk of chunksOf(handle, 0n)) {
      scan.push(chunk);
      const difference = (await comparison?.check()) ?? null;
      if (difference !== null) throw undecidable(`${file}: ${difference}`);
      if (scan.isDamaged) break;
    }
    return { ...scan.finish(), fileBytes: size };
  } catch (thrown) {
    if (!(thrown instanceof BinlogError)) throw thrown;
    throw undecidable(`${file}: ${thrown.message}`, thrown);
  }
}

/** The file from `offset` on; each chunk is valid until the next is asked for. */
async function* chunksOf(handle: BinlogFile, offset: bigint): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(chunkBytes);
  let position = Number(offset);
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, chunkBytes, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

async function openFile(
  options: BinlogTailOptions,
  name: string,
  flags: 'r' | 'r+',
): Promise<BinlogFile> {
  try {
    return await filesOf(options).open(name, flags);
  } catch (thrown) {
    const path = join(options.dataDirectory, name);
    throw undecidable(`cannot open ${path}: ${messageOf(thrown)}`, thrown);
  }
}

function filesOf(options: BinlogTailOptions): BinlogFiles {
  return (
    options.files ?? {
      readIndex: () => readBinlogIndex(options),
      open: (name, flags) => open(join(options.dataDirectory, name), flags),
    }
  );
}

function undecidable(reason: string, cause?: unknown): FatalError {
  return new FatalError(
    'BINLOG_UNDECIDABLE',
    `the end of the binlog cannot be decided: ${reason}; rebuild this node's mysqld`,
    { cause },
  );
}
