import { escape as quote } from 'mysql2';
import type { Clock } from '../../base/clock.ts';
import { MySqlServerError } from './errors.ts';
import { SqlConnection } from './sql-connection.ts';

export interface AppAccount {
  readonly user: string;
  readonly password: string;
}

/** Privileges over data and schemas, none over the server (MySQL manual, "Privileges Provided by MySQL"). */
const privileges = [
  'SELECT',
  'INSERT',
  'UPDATE',
  'DELETE',
  'CREATE',
  'DROP',
  'REFERENCES',
  'INDEX',
  'ALTER',
  'CREATE TEMPORARY TABLES',
  'LOCK TABLES',
  'EXECUTE',
  'CREATE VIEW',
  'SHOW VIEW',
  'CREATE ROUTINE',
  'ALTER ROUTINE',
  'EVENT',
  'TRIGGER',
].join(', ');

const loginRefused = 1045;
const loginLocked = 3118;
/** Each statement waits for a quorum. */
const statementTimeoutMs = 30_000;

/**
 * Makes the account apps log in with, or gives it this password, on a writable server. An account that can log in is left
 * alone, grants included: it stays locked until it is complete, so that being able to means having been finished.
 */
export async function ensureAppAccount(options: {
  readonly account: AppAccount;
  readonly control: SqlConnection;
  readonly socketPath: string;
  readonly clock: Clock;
}): Promise<void> {
  if (await canLogIn(options)) return;
  const { user, password } = options.account;
  const name = `${quote(user)}@'%'`;
  const identified = `IDENTIFIED WITH caching_sha2_password BY ${quote(password)}`;
  const statements = [
    `CREATE USER IF NOT EXISTS ${name} ${identified} ACCOUNT LOCK`,
    `GRANT ${privileges} ON *.* TO ${name}`,
    // Accounts and replication live there; `partial_revokes` lets an exception stand against a grant on everything.
    `REVOKE ${privileges} ON \`mysql\`.* FROM ${name}`,
    `ALTER USER ${name} ${identified} ACCOUNT UNLOCK`,
  ];
  for (const sql of statements) {
    await options.control.query(sql, { timeoutMs: statementTimeoutMs });
  }
}

async function canLogIn(options: {
  readonly account: AppAccount;
  readonly socketPath: string;
  readonly clock: Clock;
}): Promise<boolean> {
  const endpoint = { kind: 'socket', path: options.socketPath } as const;
  const connection = new SqlConnection({ ...options.account, endpoint }, options.clock);
  try {
    await connection.open({ timeoutMs: statementTimeoutMs });
    return true;
  } catch (error) {
    if (error instanceof MySqlServerError && isRefusal(error)) return false;
    throw error;
  } finally {
    connection.close();
  }
}

function isRefusal(error: MySqlServerError): boolean {
  return error.serverErrorNumber === loginRefused || error.serverErrorNumber === loginLocked;
}
