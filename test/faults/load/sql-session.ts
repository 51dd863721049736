import { setTimeout as delay } from 'node:timers/promises';
import {
  type Connection,
  createConnection,
  type ResultSetHeader,
  type RowDataPacket,
} from 'mysql2/promise';
import type { Random } from '../../../base/random.ts';
import { Abandoned, DefiniteFailure } from './outcome.ts';
import { pause } from './rate.ts';
import type { LoadNode } from './workload.ts';

export interface SqlSessionOptions {
  readonly nodes: readonly LoadNode[];
  readonly port: 'read-write' | 'read-only';
  readonly user: string;
  readonly password: string;
  readonly random: Random;
  /** Run on each new connection. */
  readonly setup: readonly string[];
  readonly statementTimeoutMs: number;
}

/** How a client goes away: after how long, and by what. */
export interface Leaving {
  readonly afterMs: number;
  leave(): void;
}

export type SqlValue = string | number | null;
export type SqlRow = RowDataPacket;

const connectTimeoutMs = 3_000;
const retryPauseMs = 100;

/**
 * A session of an application: any node, another one after each failure, no statement repeated. A node that stands still accepts
 * connections and says nothing, so log-in and statements have time limits.
 */
export class SqlSession implements Disposable {
  readonly #options: SqlSessionOptions;
  #connection: Connection | null = null;
  #node = '';

  constructor(options: SqlSessionOptions) {
    this.#options = options;
  }

  /** The node it is connected to. */
  get node(): string {
    return this.#node;
  }

  /** Connects if need be, until it succeeds or the signal comes. Says which of them, and whether the connection is new. */
  async ready(signal: AbortSignal): Promise<'kept' | 'new' | 'stopped'> {
    if (this.#connection !== null) return 'kept';
    while (!signal.aborted) {
      if (await this.#connect()) return 'new';
      await pause(retryPauseMs, signal);
    }
    return 'stopped';
  }

  async rows(sql: string, values: readonly SqlValue[] = []): Promise<readonly SqlRow[]> {
    const [rows] = await this.#open().query<RowDataPacket[]>(this.#statement(sql, values));
    return rows;
  }

  /** How many rows it changed. */
  async change(sql: string, values: readonly SqlValue[] = []): Promise<number> {
    const [result] = await this.#open().query<ResultSetHeader>(this.#statement(sql, values));
    return result.affectedRows;
  }

  /**
   * A transaction in full. Whatever fails before COMMIT was sent is definite: a server commits nothing by itself. What is thrown in
   * COMMIT is for the caller to judge. With `leaving` the client goes away in COMMIT, unless that was quicker.
   */
  async transaction<Answer>(
    body: () => Promise<Answer>,
    leaving: Leaving | null = null,
  ): Promise<Answer> {
    let answer: Answer;
    try {
      await this.change('BEGIN');
      answer = await body();
    } catch (cause) {
      await this.#rollBack();
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new DefiniteFailure(`before commit: ${reason}`, { cause });
    }
    const commit = this.change('COMMIT');
    if (leaving !== null) await leaveUnlessOver(commit, leaving);
    await commit;
    return answer;
  }

  /** Gives the connection up, whatever it is doing. */
  drop(): void {
    this.#connection?.destroy();
    this.#connection = null;
  }

  [Symbol.dispose](): void {
    this.drop();
  }

  async #connect(): Promise<boolean> {
    const { nodes, port, user, password, random, setup } = this.#options;
    const node = nodes[random.below(0, nodes.length)];
    if (node === undefined) return false;
    try {
      const connection = await createConnection({
        host: node.host,
        port: port === 'read-write' ? node.readWritePort : node.readOnlyPort,
        user,
        password,
        connectTimeout: connectTimeoutMs,
        supportBigNumbers: true,
      });
      // A connection that ended is not asked again: what it would say is no answer of a server. Without a listener for errors an idle
      // one would end the process.
      connection.on('error', () => this.#forget(connection));
      connection.on('end', () => this.#forget(connection));
      this.#connection = connection;
      this.#node = node.id;
      for (const sql of setup) await this.change(sql);
      return true;
    } catch {
      this.drop();
      return false;
    }
  }

  #forget(connection: Connection): void {
    if (this.#connection === connection) this.drop();
  }

  /** A connection on which that fails is given up, and the server rolls back when it is gone. */
  async #rollBack(): Promise<void> {
    try {
      await this.change('ROLLBACK');
    } catch {
      this.drop();
    }
  }

  #open(): Connection {
    if (this.#connection === null) throw new DefiniteFailure('the connection was given up before');
    return this.#connection;
  }

  #statement(
    sql: string,
    values: readonly SqlValue[],
  ): { sql: string; values: SqlValue[]; timeout: number } {
    return { sql, values: [...values], timeout: this.#options.statementTimeoutMs };
  }
}

async function leaveUnlessOver(
  commit: Promise<unknown>,
  { afterMs, leave }: Leaving,
): Promise<void> {
  let isOver = false;
  const note = (): void => {
    isOver = true;
  };
  commit.then(note, note);
  await delay(afterMs);
  if (isOver) return;
  leave();
  throw new Abandoned('the client went away in COMMIT');
}
