import type { GateStatus, SemisyncStatus } from './settings-check.ts';
import type { SqlConnection, SqlRow } from './sql-connection.ts';

/** SHOW GLOBAL VARIABLES, by name. */
export async function readVariables(
  connection: SqlConnection,
  options: { readonly timeoutMs: number },
): Promise<ReadonlyMap<string, string>> {
  return pairs(await connection.query('SHOW GLOBAL VARIABLES', options));
}

/** The counters of the semisync source plugin. */
export async function readSemisyncStatus(
  connection: SqlConnection,
  options: { readonly timeoutMs: number },
): Promise<SemisyncStatus> {
  const sql = "SHOW GLOBAL STATUS LIKE 'Rpl\\_semi\\_sync\\_source\\_%'";
  return semisyncStatusOf(pairs(await connection.query(sql, options)));
}

const gateCounters = ['status', 'clients', 'no_tx'];
/** Only the counters that are needed: SHOW GLOBAL STATUS makes up hundreds of them for each answer. */
const gateSql = `SELECT VARIABLE_NAME AS Variable_name, VARIABLE_VALUE AS Value
  FROM performance_schema.global_status
  WHERE VARIABLE_NAME IN (${gateCounters.map((name) => `'Rpl_semi_sync_source_${name}'`).join(', ')})`;

/** What may tell that commits passed without our ack: the same, but for the number of waiting sessions. */
export async function readGateStatus(
  connection: SqlConnection,
  options: { readonly timeoutMs: number },
): Promise<GateStatus> {
  return semisyncStatusOf(pairs(await connection.query(gateSql, options)));
}

function semisyncStatusOf(status: ReadonlyMap<string, string>): SemisyncStatus {
  const count = (name: string): number => Number(status.get(`Rpl_semi_sync_source_${name}`) ?? 0);
  return {
    isWaiting: status.get('Rpl_semi_sync_source_status') === 'ON',
    clients: count('clients'),
    unacknowledged: count('no_tx'),
    waitingSessions: count('wait_sessions'),
  };
}

function pairs(rows: readonly SqlRow[]): ReadonlyMap<string, string> {
  return new Map(rows.map((row) => [textOf(row, 'Variable_name'), textOf(row, 'Value')]));
}

/** A column as text; empty when it is NULL or missing. */
export function textOf(row: SqlRow | undefined, column: string): string {
  const value = row?.[column];
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : String(value);
}
