import { escape as quote } from 'mysql2';
import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { BinlogPosition } from './binlog/position.ts';
import type { Bypasses, ServerAdmin, SourceAddress } from './bridge-parts.ts';
import type { InternalAccount } from './mysql-server.ts';
import { type AppAccount, ensureAppAccount } from './server/app-account.ts';
import { MySqlServerError } from './server/errors.ts';
import { type MySqlVersion, parseVersion } from './server/mysql-version.ts';
import { type ReplicaStatus, readReplicaStatus, replicaFaultsOf } from './server/replica-status.ts';
import type { CheckedRole } from './server/required-settings.ts';
import {
  readGateStatus,
  readSemisyncStatus,
  readVariables,
  textOf,
} from './server/server-facts.ts';
import {
  checkBypass,
  checkSemisync,
  checkSettings,
  formatFaults,
  type SemisyncStatus,
  type SettingFault,
} from './server/settings-check.ts';
import { SqlConnection } from './server/sql-connection.ts';
import { StatementTraces, traceFaults } from './server/statement-traces.ts';

export interface MySqlAdminOptions {
  readonly adminPort: number;
  readonly socketPath: string;
  readonly account: InternalAccount;
  /** Of the installation, `9.7.4`. */
  readonly version: string;
  readonly clock: Clock;
}

const connectTimeoutMs = 5_000;
/** Statements that wait for nothing but the server itself. */
const statementTimeoutMs = 5_000;
/** Stopping the applier waits for the transaction it is in. */
const stopTimeoutMs = 60_000;
/** Beyond the server's own deadline, for its answer to arrive. */
const answerGraceMs = 1_000;
const queryInterrupted = 1317;
const unknownThread = 1094;
/** At one a second, more than a century: the source is this very process. */
const connectRetriesMax = 4_294_967_295;

/**
 * The statements of the sidecar on its own server, for one life of that server. Every connection is on the reserved port, which
 * clients cannot fill, and is opened in advance: leadership must never depend on getting a connection. Each kind of question
 * has a connection of its own, so that none waits behind an answer that waits for commits. All statements may be repeated.
 * Names are those of 8.0.26 and later, which has `replica` and `source` throughout.
 */
export class MySqlAdmin implements ServerAdmin, AsyncDisposable {
  readonly #options: MySqlAdminOptions;
  readonly #version: MySqlVersion;
  /** Asked whether the server is there, and nothing else. */
  readonly #reserved: SqlConnection;
  readonly #facts: SqlConnection;
  readonly #control: SqlConnection;
  readonly #waits: SqlConnection;
  readonly #traces: StatementTraces;
  #role: CheckedRole | 'changing' = 'replica';
  #isFollowing = false;

  private constructor(options: MySqlAdminOptions, version: MySqlVersion) {
    const endpoint = { kind: 'port', port: options.adminPort } as const;
    const connection = (): SqlConnection =>
      new SqlConnection({ ...options.account, endpoint }, options.clock);
    this.#options = options;
    this.#version = version;
    this.#reserved = connection();
    this.#facts = connection();
    this.#traces = new StatementTraces(this.#facts);
    this.#control = connection();
    this.#waits = connection();
  }

  /** Opens all connections to a server that was just started, and is therefore read-only. */
  static async connect(options: MySqlAdminOptions): Promise<MySqlAdmin> {
    const version = parseVersion(options.version);
    assert(version !== null, 'an installation has a version');
    const admin = new MySqlAdmin(options, version);
    try {
      const open = { timeoutMs: connectTimeoutMs };
      await Promise.all(admin.#connections.map((connection) => connection.open(open)));
      return admin;
    } catch (error) {
      admin.close();
      throw error;
    }
  }

  /** What the server has committed, as a GTID set in text without spaces. Does not wait for commits in progress. */
  async executedGtids(): Promise<string> {
    const sql = 'SELECT @@GLOBAL.gtid_executed AS executed';
    const [row] = await this.#facts.query(sql, { timeoutMs: statementTimeoutMs });
    return textOf(row, 'executed').replaceAll(/\s/g, '');
  }

  async binlogEnd(): Promise<BinlogPosition> {
    const files = await this.#facts.query('SHOW BINARY LOGS', { timeoutMs: statementTimeoutMs });
    const newest = files.at(-1);
    return { file: textOf(newest, 'Log_name'), offset: BigInt(textOf(newest, 'File_size')) };
  }

  async waitForExecuted(gtidSet: string, timeoutMs: number): Promise<boolean> {
    const [row] = await this.#waits.query('SELECT WAIT_FOR_EXECUTED_GTID_SET(?, ?) AS is_late', {
      values: [gtidSet, timeoutMs / 1000],
      timeoutMs: timeoutMs + answerGraceMs,
    });
    return textOf(row, 'is_late') === '0';
  }

  /** Follows a source by GTID from whatever is executed here; relay logs of an earlier source are dropped. */
  async follow(source: SourceAddress): Promise<void> {
    const clauses = [
      `SOURCE_HOST = ${quote(source.host)}`,
      `SOURCE_PORT = ${source.port}`,
      `SOURCE_USER = ${quote(source.user)}`,
      `SOURCE_PASSWORD = ${quote(source.password)}`,
      'SOURCE_AUTO_POSITION = 1',
      'SOURCE_CONNECT_RETRY = 1',
      `SOURCE_RETRY_COUNT = ${connectRetriesMax}`,
      'SOURCE_HEARTBEAT_PERIOD = 2',
      'SOURCE_SSL = 0',
      'GET_SOURCE_PUBLIC_KEY = 0',
    ];
    await this.stopFollowing();
    const timeoutMs = statementTimeoutMs;
    // What an earlier life left of relay logs and worker positions is worth nothing, as the log has it all; and a kill at the
    // wrong moment leaves it so that START REPLICA refuses ever after (ER_REPLICA_RLI_INIT_REPOSITORY).
    await this.#control.query('RESET REPLICA ALL', { timeoutMs });
    await this.#control.query(`CHANGE REPLICATION SOURCE TO ${clauses.join(', ')}`, { timeoutMs });
    await this.#control.query('START REPLICA', { timeoutMs });
    this.#isFollowing = true;
  }

  async stopFollowing(): Promise<void> {
    this.#isFollowing = false;
    await this.#control.query('STOP REPLICA', { timeoutMs: stopTimeoutMs });
  }

  /**
   * Lifts or sets `super_read_only`. Setting it waits for commits in progress: at the deadline the attempt is taken back, and
   * MYSQL_STATEMENT_TIMEOUT says that the server is as writable as before.
   */
  async setWritable(isWritable: boolean, options: { readonly timeoutMs: number }): Promise<void> {
    const before = this.#role;
    this.#role = 'changing';
    try {
      // Either way both settings change: `read_only` implies the one, `super_read_only` the other.
      if (isWritable) await this.#control.query('SET GLOBAL read_only = OFF', options);
      else await this.#becomeReadOnly(options.timeoutMs);
      this.#role = isWritable ? 'primary' : 'replica';
    } catch (error) {
      this.#role = before;
      throw error;
    }
  }

  /**
   * A primary's redo log is synced at every commit. A replica's need not be: what a crash takes from it, it applies again from the
   * Raft log, and its GTIDs are stored in the same transactions as the data, so they say exactly what is missing.
   */
  async setFlush(role: 'primary' | 'replica'): Promise<void> {
    const value = role === 'primary' ? 1 : 2;
    const sql = `SET GLOBAL innodb_flush_log_at_trx_commit = ${value}`;
    await this.#control.query(sql, { timeoutMs: statementTimeoutMs });
  }

  async setEventScheduler(isOn: boolean): Promise<void> {
    const sql = `SET GLOBAL event_scheduler = ${isOn ? 'ON' : 'OFF'}`;
    await this.#control.query(sql, { timeoutMs: statementTimeoutMs });
  }

  async settingsFaults(): Promise<readonly string[]> {
    const before = this.#role;
    const variables = await this.globalVariables();
    const roles: readonly CheckedRole[] =
      before === this.#role && before !== 'changing' ? [before] : ['primary', 'replica'];
    const faults = roles.map((role) => checkSettings({ variables, role, version: this.#version }));
    const tracing = await traceFaults(this.#facts, { timeoutMs: statementTimeoutMs });
    return formatEach([...inAll(faults), ...tracing]);
  }

  async semisyncFaults(): Promise<readonly string[]> {
    return formatEach(checkSemisync(await this.semisyncStatus()));
  }

  async bypasses(): Promise<Bypasses> {
    const timeoutMs = statementTimeoutMs;
    const { waitPoint, traces } = await this.#traces.look({ timeoutMs });
    const status = await readGateStatus(this.#facts, { timeoutMs });
    return { gate: formatEach(checkBypass(status, waitPoint)), traces };
  }

  async replicaFaults(): Promise<readonly string[]> {
    if (!this.#isFollowing) return [];
    const status = await this.replicaStatus();
    return this.#isFollowing ? replicaFaultsOf(status) : [];
  }

  globalVariables(): Promise<ReadonlyMap<string, string>> {
    return readVariables(this.#facts, { timeoutMs: statementTimeoutMs });
  }

  semisyncStatus(): Promise<SemisyncStatus> {
    return readSemisyncStatus(this.#facts, { timeoutMs: statementTimeoutMs });
  }

  /** Null when the server was never told to follow. */
  replicaStatus(): Promise<ReplicaStatus | null> {
    return readReplicaStatus(this.#facts, { timeoutMs: statementTimeoutMs });
  }

  async probe(timeoutMs: number): Promise<boolean> {
    try {
      await this.#reserved.query('DO 1', { timeoutMs });
      return true;
    } catch {
      return false;
    }
  }

  async killConnections(connectionIds: readonly number[]): Promise<void> {
    for (const id of connectionIds) {
      try {
        await this.#facts.query(`KILL ${id}`, { timeoutMs: statementTimeoutMs });
      } catch (thrown) {
        const isGone =
          thrown instanceof MySqlServerError && thrown.serverErrorNumber === unknownThread;
        if (!isGone) throw thrown;
      }
    }
  }

  async ensureAppAccount(account: AppAccount): Promise<void> {
    const { socketPath, clock } = this.#options;
    await ensureAppAccount({ account, control: this.#control, socketPath, clock });
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  get #connections(): readonly SqlConnection[] {
    return [this.#reserved, this.#facts, this.#control, this.#waits];
  }

  async #becomeReadOnly(timeoutMs: number): Promise<void> {
    const { clock } = this.#options;
    await this.#control.open({ timeoutMs });
    const { threadId } = this.#control;
    const abort = new AbortController();
    const attempt = this.#control.query('SET GLOBAL super_read_only = ON', {
      timeoutMs: timeoutMs + statementTimeoutMs,
    });
    // While the attempt waits it holds up every new write, so it must not outlive its deadline.
    const takenBack = clock.delay(timeoutMs, { signal: abort.signal }).then(
      () => this.#facts.query(`KILL QUERY ${threadId}`, { timeoutMs: statementTimeoutMs }),
      () => [],
    );
    try {
      await attempt;
    } catch (error) {
      if (!(error instanceof MySqlServerError && error.serverErrorNumber === queryInterrupted)) {
        throw error;
      }
      // `super_read_only` sets `read_only` first, in a step of its own: the attempt may have got that far.
      await this.#control.query('SET GLOBAL read_only = OFF', { timeoutMs: statementTimeoutMs });
      throw new MySqlServerError(
        'MYSQL_STATEMENT_TIMEOUT',
        `mysqld did not become read-only within ${timeoutMs} ms: commits or locked tables are in the way`,
        { cause: error },
      );
    } finally {
      abort.abort();
      await takenBack.catch((error: unknown) => messageOf(error));
    }
  }
}

function formatEach(faults: readonly SettingFault[]): readonly string[] {
  return faults.map((fault) => formatFaults([fault]));
}

/** Faults that hold in each of the roles looked at: in the middle of a change either role's settings may be there. */
function inAll(faults: readonly (readonly SettingFault[])[]): readonly SettingFault[] {
  const [first = [], ...others] = faults;
  return first.filter(({ name }) =>
    others.every((other) => other.some((fault) => fault.name === name)),
  );
}
