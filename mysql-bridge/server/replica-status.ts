import { textOf } from './server-facts.ts';
import type { SqlConnection, SqlRow } from './sql-connection.ts';

/** One of the two halves of replication: what it does, and what stopped it. */
export interface ReplicaHalf {
  /** `connecting` is for the receiver alone: its source does not answer yet. */
  readonly state: 'running' | 'connecting' | 'stopped';
  /** With MySQL's error number in front; null when there is none. */
  readonly error: string | null;
}

/** How a server follows its source; null from `readReplicaStatus` when it was never told to follow one. */
export interface ReplicaStatus {
  readonly receiver: ReplicaHalf;
  readonly applier: ReplicaHalf;
  /** GTIDs received so far, applied or not. */
  readonly retrieved: string;
  /** MySQL's own estimate; null when it has none. */
  readonly lagSeconds: number | null;
}

export async function readReplicaStatus(
  connection: SqlConnection,
  options: { readonly timeoutMs: number },
): Promise<ReplicaStatus | null> {
  const [row] = await connection.query('SHOW REPLICA STATUS', options);
  return row === undefined ? null : replicaStatusOf(row);
}

/** Reads one row of SHOW REPLICA STATUS. */
export function replicaStatusOf(row: SqlRow): ReplicaStatus {
  const lag = textOf(row, 'Seconds_Behind_Source');
  return {
    receiver: {
      state: stateOf(textOf(row, 'Replica_IO_Running')),
      error: errorOf(row, 'Last_IO'),
    },
    applier: {
      state: stateOf(textOf(row, 'Replica_SQL_Running')),
      error: errorOf(row, 'Last_SQL'),
    },
    retrieved: textOf(row, 'Retrieved_Gtid_Set').replaceAll(/\s/g, ''),
    lagSeconds: lag === '' ? null : Number(lag),
  };
}

/** What is wrong with a server that should follow, in words. */
export function replicaFaultsOf(status: ReplicaStatus | null): readonly string[] {
  if (status === null) return ['replication was never configured'];
  return [...faultsOfHalf('receiver', status.receiver), ...faultsOfHalf('applier', status.applier)];
}

/** Of the words of `replicaFaultsOf`: an applier met what it cannot apply, as opposed to being told to stop. */
export function isApplierError(fault: string): boolean {
  return /^applier \w+: \d/.test(fault);
}

function faultsOfHalf(name: string, half: ReplicaHalf): readonly string[] {
  if (half.error !== null) return [`${name} ${half.state}: ${half.error}`];
  return half.state === 'stopped' ? [`${name} stopped`] : [];
}

function stateOf(text: string): ReplicaHalf['state'] {
  if (text === 'Yes') return 'running';
  return text === 'Connecting' ? 'connecting' : 'stopped';
}

function errorOf(row: SqlRow, prefix: string): string | null {
  const number = textOf(row, `${prefix}_Errno`);
  return number === '' || number === '0' ? null : `${number} ${textOf(row, `${prefix}_Error`)}`;
}
