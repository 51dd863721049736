import type { Clock } from '../base/clock.ts';
import { SqlConnection, type SqlRow } from '../mysql-bridge/server/sql-connection.ts';

/** A server, or a proxy in front of one, as a client reaches it. */
export interface SqlEndpoint {
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

export const statementTimeoutMs = 20_000;

/** One short-lived connection. */
export async function withSql<Result>(
  endpoint: SqlEndpoint,
  clock: Clock,
  work: (query: Query) => Promise<Result>,
): Promise<Result> {
  const { port, user, password } = endpoint;
  const target = { user, password, endpoint: { kind: 'port', port } } as const;
  const connection = new SqlConnection(target, clock);
  try {
    return await work((sql, timeoutMs = statementTimeoutMs) =>
      connection.query(sql, { timeoutMs }),
    );
  } finally {
    connection.close();
  }
}

export type Query = (sql: string, timeoutMs?: number) => Promise<readonly SqlRow[]>;

/** All global variables, by name. */
export async function readSettings(query: Query): Promise<ReadonlyMap<string, string>> {
  const rows = await query('SHOW GLOBAL VARIABLES');
  return new Map(rows.map((row) => [String(row['Variable_name']), String(row['Value'])]));
}

/** Global variables, or status, by name; missing ones are missing. */
export async function readGlobals(
  query: Query,
  kind: 'VARIABLES' | 'STATUS',
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const list = names.map((name) => `'${name}'`).join(', ');
  const rows = await query(`SHOW GLOBAL ${kind} WHERE Variable_name IN (${list})`);
  return new Map(rows.map((row) => [String(row['Variable_name']), String(row['Value'])]));
}
