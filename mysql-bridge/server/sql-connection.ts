import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { after, type Clock } from '../../base/clock.ts';
import { type Deferred, deferred } from '../../base/deferred.ts';
import { codeOf, messageOf } from '../../base/errors.ts';
import { MySqlServerError } from './errors.ts';

/** How to reach a server: over its unix socket, or a loopback port. */
export interface SqlTarget {
  readonly user: string;
  readonly password: string;
  readonly endpoint:
    | { readonly kind: 'socket'; readonly path: string }
    | { readonly kind: 'port'; readonly port: number };
}

/** Rows by column name; values as text, or as what mysql2 makes of their type. */
export type SqlRow = Readonly<Record<string, unknown>>;

/**
 * One connection for statements that answer with at most a few rows, one at a time. It is opened when first needed and again
 * after it was lost; a statement past its deadline costs the connection, since its answer might still come.
 */
export class SqlConnection {
  readonly #target: SqlTarget;
  readonly #clock: Clock;
  #connection: Connection | null = null;
  #opening: Promise<Connection> | null = null;
  /**
   * One per statement under way, rejected at its deadline, and when the connection is dropped: mysql2 leaves the statements of a
   * destroyed connection unanswered. One promise for all would keep every answer alive that ever raced with it.
   */
  readonly #waiting = new Set<Deferred<never>>();
  #isClosed = false;

  constructor(target: SqlTarget, clock: Clock) {
    this.#target = target;
    this.#clock = clock;
  }

  /** The server's number for this connection, as KILL takes it; null while it is not open. */
  get threadId(): number | null {
    return this.#connection?.threadId ?? null;
  }

  async open(options: { readonly timeoutMs: number }): Promise<void> {
    await this.#withDeadline(options.timeoutMs, 'connect', () => this.#opened(options.timeoutMs));
  }

  /**
   * Runs one statement; `?` stand for `values`. Rejects with MYSQL_STATEMENT_TIMEOUT when its outcome is unknown,
   * MYSQL_STATEMENT_FAILED when the server answered with an error, MYSQL_NOT_RUNNING when it cannot be reached.
   */
  async query(
    sql: string,
    options: { readonly timeoutMs: number; readonly values?: readonly (string | number)[] },
  ): Promise<readonly SqlRow[]> {
    // Enough to know it by; what follows may be a secret (HAZARDS S2).
    const statement = sql.split(' ').slice(0, 3).join(' ');
    return await this.#withDeadline(options.timeoutMs, statement, async () => {
      const connection = await this.#opened(options.timeoutMs);
      try {
        const [rows] = await connection.query<RowDataPacket[]>(sql, [...(options.values ?? [])]);
        return Array.isArray(rows) ? rows : [];
      } catch (error) {
        throw this.#explained(error, statement);
      }
    });
  }

  /** Ends the connection at once, and whatever waits on it. Later statements are refused. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#drop('the connection was closed');
  }

  #opened(timeoutMs: number): Promise<Connection> {
    if (this.#isClosed) return Promise.reject(notRunning('the connection was closed'));
    if (this.#connection !== null) return Promise.resolve(this.#connection);
    return this.#opening ?? this.#beginOpening(timeoutMs);
  }

  #beginOpening(timeoutMs: number): Promise<Connection> {
    const opening = this.#open(timeoutMs).then(
      (connection) => {
        if (this.#opening === opening) {
          this.#connection = connection;
          this.#opening = null;
          return connection;
        }
        // Dropped while it opened: whoever waited for it was answered, and nobody else may use it.
        connection.destroy();
        throw notRunning('the connection was dropped');
      },
      (error: unknown) => {
        if (this.#opening === opening) this.#opening = null;
        throw error;
      },
    );
    this.#opening = opening;
    return opening;
  }

  async #open(timeoutMs: number): Promise<Connection> {
    const { user, password, endpoint } = this.#target;
    try {
      const connection = await createConnection({
        user,
        password,
        connectTimeout: timeoutMs,
        supportBigNumbers: true,
        bigNumberStrings: true,
        dateStrings: true,
        ...(endpoint.kind === 'socket'
          ? { socketPath: endpoint.path }
          : { host: '127.0.0.1', port: endpoint.port }),
      });
      // A server that dies between two statements is not an error until the next one.
      connection.on('error', () => this.#forget(connection));
      connection.on('end', () => this.#forget(connection));
      return connection;
    } catch (error) {
      const place = endpoint.kind === 'socket' ? endpoint.path : `127.0.0.1:${endpoint.port}`;
      throw notRunning(`no connection to mysqld at ${place}: ${messageOf(error)}`, error);
    }
  }

  #explained(error: unknown, statement: string): MySqlServerError {
    const message = `${statement}: ${messageOf(error)}`;
    const number = numberOf(error);
    if (number.serverErrorNumber !== undefined) {
      const details = { cause: withoutStatement(error), ...number };
      return new MySqlServerError('MYSQL_STATEMENT_FAILED', message, details);
    }
    this.#drop('the connection was lost');
    return notRunning(message, error);
  }

  /** One deadline over connecting, waiting in line, and the statement: a stopped server answers none of them. */
  async #withDeadline<Result>(
    timeoutMs: number,
    statement: string,
    work: () => Promise<Result>,
  ): Promise<Result> {
    const givenUp = deferred<never>();
    this.#waiting.add(givenUp);
    const stopTimer = after(this.#clock, timeoutMs, () => {
      const message = `${statement}: no answer within ${timeoutMs} ms`;
      givenUp.reject(new MySqlServerError('MYSQL_STATEMENT_TIMEOUT', message));
    });
    try {
      return await Promise.race([work(), givenUp.promise]);
    } catch (error) {
      if (codeOf(error) === 'MYSQL_STATEMENT_TIMEOUT') this.#drop('an earlier answer is overdue');
      throw error;
    } finally {
      this.#waiting.delete(givenUp);
      stopTimer();
    }
  }

  #forget(connection: Connection): void {
    if (this.#connection === connection) this.#connection = null;
  }

  #drop(reason: string): void {
    this.#connection?.destroy();
    this.#connection = null;
    this.#opening = null;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(notRunning(reason));
  }
}

function notRunning(message: string, cause?: unknown): MySqlServerError {
  return new MySqlServerError('MYSQL_NOT_RUNNING', message, {
    cause: withoutStatement(cause),
    retryable: true,
    ...numberOf(cause),
  });
}

/** mysql2 hangs the whole statement on its errors, passwords included; it must not travel to a log from there (HAZARDS S2). */
function withoutStatement(error: unknown): unknown {
  if (typeof error === 'object' && error !== null) Reflect.deleteProperty(error, 'sql');
  return error;
}

/** MySQL's error number, when the server itself answered with an error. */
function numberOf(error: unknown): { readonly serverErrorNumber?: number } {
  if (typeof error !== 'object' || error === null) return {};
  const hasState = 'sqlState' in error && typeof error.sqlState === 'string';
  if (!hasState || !('errno' in error) || typeof error.errno !== 'number') return {};
  return { serverErrorNumber: error.errno };
}
