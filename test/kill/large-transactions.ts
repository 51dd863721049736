import type { RowDataPacket } from 'mysql2/promise';
import { renderTable } from '../../cli/table.ts';
import { connectApp } from '../support/app-connection.ts';
import type { BinraftCluster } from '../support/binraft-cluster.ts';
import { eventually } from '../support/eventually.ts';
import { type MemoryRise, MemoryWatch } from '../support/process-memory.ts';
import { kill } from '../support/processes.ts';

// Large transactions on a running cluster, shared by the test and the long form. The server builds the bytes, so that the
// client is not what is measured.

const mebibyte = 1024 * 1024;
/** A leader's log has grown by so many entries: the transaction is in the middle of its way. */
const entriesBeforeKill = 40;

export const largeDatabase = 'large';

/** What a large transaction did to the cluster. */
export interface LargeReport {
  readonly what: string;
  readonly committedMs: number;
  readonly appliedMs: number;
  /** One per node, in the order of the nodes. */
  readonly rises: readonly MemoryRise[];
  readonly termsBefore: readonly number[];
  readonly termsAfter: readonly number[];
}

/** Contents of a table on one node, cheap to compute and to compare. */
export interface TableDigest {
  readonly rows: number;
  readonly bytes: number;
  readonly checksum: string;
}

export async function prepareLarge(cluster: BinraftCluster): Promise<void> {
  const { ports } = await cluster.leader();
  await using session = await connectApp(cluster, ports.readWrite);
  await session.query(`CREATE DATABASE ${largeDatabase}`);
  for (const table of ['blobs', 'long_rows', 'killed']) {
    await session.query(
      `CREATE TABLE ${largeDatabase}.${table} (id INT AUTO_INCREMENT PRIMARY KEY, value LONGBLOB)`,
    );
  }
  await session.query(
    `CREATE TABLE ${largeDatabase}.many (id INT AUTO_INCREMENT PRIMARY KEY, value INT)`,
  );
  await cluster.settled();
}

/** One statement, so many rows of so many MiB, no two equal. */
export function insertBlobs(table: string, rows: number, mebibytes: number): string {
  const values = Array.from(
    { length: rows },
    (_, row) => `(REPEAT(SHA2('${table} ${row}', 256), ${(mebibytes * mebibyte) / 64}))`,
  );
  return `INSERT INTO ${largeDatabase}.${table} (value) VALUES ${values.join(', ')}`;
}

/** One statement, so many small rows. */
export function insertMany(rows: number): string {
  return (
    `SET SESSION cte_max_recursion_depth = ${rows + 1}; INSERT INTO ${largeDatabase}.many (value) ` +
    `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${rows}) SELECT n FROM numbers`
  );
}

/** Runs it at the leader and waits until every node has applied it. */
export async function runLarge(
  cluster: BinraftCluster,
  what: string,
  run: (session: Awaited<ReturnType<typeof connectApp>>) => Promise<unknown>,
): Promise<LargeReport> {
  const before = await cluster.settled();
  const leader = await cluster.leader();
  await using session = await connectApp(cluster, leader.ports.readWrite);
  using watch = new MemoryWatch(before.map((status) => status.pid));
  const begunMs = performance.now();
  await run(session);
  const committedMs = performance.now() - begunMs;
  const after = await cluster.settled();
  return {
    what,
    committedMs,
    appliedMs: performance.now() - begunMs,
    rises: watch.rises,
    termsBefore: before.map((status) => status.raft.term),
    termsAfter: after.map((status) => status.raft.term),
  };
}

/** A transaction whose leader was killed while it was on its way. */
export interface KilledTransaction {
  /** What its client was told. */
  readonly told: 'acked' | 'not-acked';
  /** Of its table. */
  readonly rowsBefore: number;
}

/**
 * Runs an insert into `killed` again and again until the leader's sidecar was killed while one was on its way. How long one takes is
 * up to the machine, so it may end before that.
 */
export async function killInTheMiddle(
  cluster: BinraftCluster,
  statement: string,
): Promise<KilledTransaction> {
  for (;;) {
    const rowsBefore = (await digests(cluster, 'killed'))[0]?.rows ?? 0;
    const told = await killUnderWay(cluster, statement);
    if (told !== null) return { told, rowsBefore };
  }
}

/** Null when it ended first, and nothing was killed. */
async function killUnderWay(
  cluster: BinraftCluster,
  statement: string,
): Promise<KilledTransaction['told'] | null> {
  const leader = await cluster.leader();
  const lastIndexMin = leader.raft.lastIndex + entriesBeforeKill;
  await using session = await connectApp(cluster, leader.ports.readWrite);
  const outcome = session.query(statement).then(
    () => 'acked' as const,
    () => 'not-acked' as const,
  );
  let isOver = false;
  void outcome.then(() => {
    isOver = true;
  });
  const isUnderWay = await eventually(async () => {
    if (isOver) return false;
    const { raft } = await cluster.nodeStatus(leader.node);
    return raft.lastIndex >= lastIndexMin ? true : null;
  }, 'the transaction is on its way');
  if (!isUnderWay) return null;
  kill(leader.pid, 'SIGKILL');
  return await outcome;
}

/** The table as each node's own server has it. */
export async function digests(
  cluster: BinraftCluster,
  table: string,
): Promise<readonly TableDigest[]> {
  const statuses = await cluster.settled();
  return await Promise.all(
    statuses.map(async ({ mysql, ports }) => {
      const port = mysql.role === 'primary' ? ports.readWrite : ports.readOnly;
      await using session = await connectApp(cluster, port);
      const [rows] = await session.query<RowDataPacket[]>(
        `SELECT COUNT(*) AS row_count, COALESCE(SUM(LENGTH(value)), 0) AS byte_count, BIT_XOR(CRC32(CONCAT(id, ':', value))) AS checksum FROM ${largeDatabase}.${table}`,
      );
      const [row] = rows;
      return {
        rows: Number(row?.['row_count']),
        bytes: Number(row?.['byte_count']),
        checksum: String(row?.['checksum']),
      };
    }),
  );
}

/** What is wrong with a large transaction that went through; empty when nothing is. */
export function largeViolations(report: LargeReport, growthMiBMax: number): readonly string[] {
  const { what, rises, termsBefore, termsAfter } = report;
  const grown = rises
    .filter(({ before, peak }) => peak.privateMiB - before.privateMiB > growthMiBMax)
    .map(
      ({ pid, before, peak }) =>
        `${what}: memory of ${pid} rose from ${before.privateMiB} to ${peak.privateMiB} MiB`,
    );
  const isSameTerm = JSON.stringify(termsBefore) === JSON.stringify(termsAfter);
  return isSameTerm
    ? grown
    : [...grown, `${what}: terms went from ${termsBefore.join()} to ${termsAfter.join()}`];
}

export function largeTable(reports: readonly LargeReport[]): string {
  const rows = reports.flatMap((report) =>
    report.rises.map(({ before, peak }, node) => [
      report.what,
      `n${node + 1}`,
      `${Math.round(report.committedMs)} ms`,
      `${Math.round(report.appliedMs)} ms`,
      String(before.privateMiB),
      String(peak.privateMiB - before.privateMiB),
      String(before.residentMiB),
      String(peak.residentMiB - before.residentMiB),
    ]),
  );
  return renderTable(
    [
      'transaction',
      'node',
      'committed',
      'applied everywhere',
      'private MiB',
      'rise',
      'resident MiB',
      'rise',
    ],
    rows,
    { colours: false },
  );
}
