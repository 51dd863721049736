import { createConnection, type RowDataPacket } from 'mysql2/promise';
import type { NodeStatus } from '../../admin/node-status.ts';
import { eventually } from '../support/eventually.ts';
import type { WriteHistory } from './workload.ts';

/** What a finished run proves, or what is wrong with it. */
export interface Verdict {
  readonly acked: number;
  readonly failed: number;
  readonly unknown: number;
  readonly rows: number;
  /** Every violated promise, in words; empty when all hold. */
  readonly violations: readonly string[];
}

/** What `verify` asks of a cluster. */
export interface VerifiedCluster {
  readonly appPassword: string;
  /** Every node's status, once all have applied everything. */
  settled(): Promise<readonly NodeStatus[]>;
}

const shownMax = 5;

/**
 * After quiesce: nothing acknowledged is missing (G3), nothing is there that nobody sent or that was answered with a
 * definite failure (G4), and every node holds the same rows, GTIDs and log (G2, G5, G8).
 */
export async function verify(
  cluster: VerifiedCluster,
  table: string,
  histories: readonly WriteHistory[],
): Promise<Verdict> {
  const { statuses, contents } = await eventually(async () => {
    const settled = await cluster.settled();
    // Fails where the leader changes meanwhile.
    const rows = await Promise.all(settled.map((status) => rowsOf(cluster, status, table)));
    return { statuses: settled, contents: rows };
  }, 'all nodes can be read');
  const [first = new Set<string>()] = contents;
  const outcomes = new Map(histories.flatMap((history) => [...history.outcomes]));
  const acked = [...outcomes].filter(([, outcome]) => outcome === 'acked').map(([id]) => id);
  const failed = [...outcomes].filter(([, outcome]) => outcome === 'failed').map(([id]) => id);
  const violations = [
    ...complaint(
      'acknowledged writes are missing',
      acked.filter((id) => !first.has(id)),
    ),
    ...complaint(
      'rows are there that nobody sent',
      [...first].filter((id) => !outcomes.has(id)),
    ),
    ...complaint(
      'rows are there whose insert definitely failed',
      failed.filter((id) => first.has(id)),
    ),
    ...differences(statuses, contents),
  ];
  return {
    acked: acked.length,
    failed: failed.length,
    unknown: outcomes.size - acked.length - failed.length,
    rows: first.size,
    violations,
  };
}

/** What differs between nodes that must be equal. */
function differences(
  statuses: readonly NodeStatus[],
  contents: readonly ReadonlySet<string>[],
): string[] {
  const [first] = statuses;
  if (first === undefined) return ['no node answers'];
  return statuses.flatMap((status, index) => {
    const rows = contents[index] ?? new Set();
    const firstRows = contents[0] ?? new Set();
    const found: string[] = [];
    if (rows.size !== firstRows.size || [...rows].some((id) => !firstRows.has(id))) {
      found.push(
        `rows of ${status.node} (${rows.size}) differ from ${first.node} (${firstRows.size})`,
      );
    }
    return [...found, ...statusDifferences(first, status)];
  });
}

/** What two settled nodes say of themselves and must not differ in: the transactions applied, and the log they came from. */
export function statusDifferences(first: NodeStatus, status: NodeStatus): readonly string[] {
  const found: string[] = [];
  if (status.mysql.gtidExecuted !== first.mysql.gtidExecuted) {
    found.push(`gtid_executed of ${status.node} differs: ${status.mysql.gtidExecuted}`);
  }
  if (status.mysql.logHash !== first.mysql.logHash)
    found.push(`log hash of ${status.node} differs`);
  return found;
}

/** A node's own rows: its primary's through the read-write port, a replica's through the read-only port. */
async function rowsOf(
  cluster: VerifiedCluster,
  status: NodeStatus,
  table: string,
): Promise<ReadonlySet<string>> {
  const { ports } = status;
  const connection = await createConnection({
    host: '127.0.0.1',
    port: status.mysql.role === 'primary' ? ports.readWrite : ports.readOnly,
    user: 'app',
    password: cluster.appPassword,
  });
  try {
    const [rows] = await connection.query<RowDataPacket[]>(`SELECT id FROM ${table}`);
    return new Set(rows.map((row) => String(row['id'])));
  } finally {
    connection.destroy();
  }
}

function complaint(what: string, ids: readonly string[]): string[] {
  if (ids.length === 0) return [];
  return [
    `${ids.length} ${what}: ${ids.slice(0, shownMax).join(', ')}${ids.length > shownMax ? ', …' : ''}`,
  ];
}
