import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { assert } from '../../../base/assert.ts';
import { SystemClock } from '../../../base/clock.ts';
import { GtidSet } from '../../../mysql-bridge/binlog/gtid-set.ts';
import { startTestMySql, type TestMySql } from '../../support/mysql-server.ts';
import {
  type AttachOptions,
  type Call,
  type DumpUnderTest,
  executedWords,
  type MysqlUnderTest,
} from './cases/mysql-under-test.ts';
import { RealCall } from './real-call.ts';
import { RealDump } from './real-dump.ts';
import { RealSource } from './real-source.ts';
import { askReal } from './real-sql.ts';
import type { SimAnswer, SimStatement } from './statements.ts';
import { Upstream } from './upstream.ts';

const clock = new SystemClock();
const serverId = 1;
const sourceUuid = 'eeeeeeee-0000-0000-0000-000000000001';
/** The redo log is written by commits alone, so that what a kill leaves of it does not depend on the moment. */
const quietRedo = 'SET GLOBAL innodb_flush_log_at_timeout = 2700';
const pollMs = 5;
/** How often a statement must be seen waiting before it counts as waiting still: an answer would have come long before. */
const stillWaitsPolls = 10;

/** Cases against a real mysqld; one server for all of them, and for each a schema of its own. */
export class RealDriver implements MysqlUnderTest, AsyncDisposable {
  readonly #mysql: TestMySql;
  readonly #serverUuid: string;
  readonly #sessions = new Map<string, Connection>();
  #control: Connection;
  #bridge: RealDump | null = null;
  #isAcknowledging = false;
  #base = 0n;
  #replicas = 0;
  #source: RealSource | null = null;
  #isUpstreamOwn = false;
  #isFollowing = false;

  private constructor(mysql: TestMySql, control: Connection, serverUuid: string) {
    this.#mysql = mysql;
    this.#control = control;
    this.#serverUuid = serverUuid;
  }

  static async open(): Promise<RealDriver> {
    const mysql = await startTestMySql({ serverId, tuning: { performanceSchema: true } });
    const control = await connectTo(mysql);
    const [rows] = await control.query<RowDataPacket[]>('SELECT @@server_uuid AS uuid');
    await control.query(quietRedo);
    return new RealDriver(mysql, control, String(rows[0]?.['uuid']));
  }

  /** Ends what an earlier case left behind, and makes the server what every case begins with. */
  async prepare({ beginsEmpty }: { readonly beginsEmpty: boolean }): Promise<void> {
    await this.#endCase();
    if (this.#mysql.server.state === 'stopped') await this.#startServer();
    if (this.#bridge === null || this.#bridge.isEnded) await this.#attachBridge();
    this.acknowledgeAll(true);
    const statements = [
      'SET GLOBAL rpl_semi_sync_source_enabled = ON',
      'SET GLOBAL innodb_flush_log_at_trx_commit = 1',
      'STOP REPLICA',
      'RESET REPLICA ALL',
      'SET GLOBAL read_only = OFF',
      'DROP DATABASE IF EXISTS sim',
      'CREATE DATABASE sim',
      'DROP USER IF EXISTS u, u1, u2',
      'TRUNCATE TABLE performance_schema.events_statements_summary_by_digest',
    ];
    for (const sql of statements) await this.#control.query(sql);
    if (beginsEmpty) {
      await this.killDump();
      await this.#control.query('RESET BINARY LOGS AND GTIDS');
      await this.#attachBridge();
    }
    await this.#untilClients(1);
    const executed = await this.#executedSet();
    const own = executed.sources.find(({ serverUuid }) => serverUuid === this.#serverUuid);
    this.#base = own?.intervals.at(-1)?.last ?? 0n;
    const bridge = this.#bridge;
    assert(bridge !== null, 'a bridge is attached');
    bridge.transactions = [];
    this.acknowledgeAll(false);
  }

  get bridge(): DumpUnderTest {
    assert(this.#bridge !== null, 'a bridge is attached');
    return this.#bridge;
  }

  acknowledgeAll(isOn: boolean): void {
    this.#isAcknowledging = isOn;
    if (this.#bridge === null) return;
    this.#bridge.isAcknowledging = isOn;
    if (isOn) this.#bridge.ackAll();
  }

  async connect(name: string, options: { readonly isImpatient?: boolean } = {}): Promise<void> {
    const connection = await connectTo(this.#mysql);
    await connection.query('USE sim');
    if (options.isImpatient === true) {
      await connection.query('SET SESSION innodb_lock_wait_timeout = 1');
    }
    this.#sessions.set(name, connection);
  }

  disconnect(name: string): Promise<void> {
    this.#session(name).destroy();
    this.#sessions.delete(name);
    return Promise.resolve();
  }

  async connectHeldUp(
    name: string,
  ): Promise<{ readonly isConnected: boolean; connected(): Promise<void> }> {
    const state = { isConnected: false };
    const connecting = this.connect(name).then(() => {
      state.isConnected = true;
    });
    await this.#until(async () => {
      const sql =
        "SELECT COUNT(*) AS n FROM information_schema.processlist WHERE command = 'Connect' AND state LIKE 'Waiting%'";
      const [rows] = await this.#control.query<RowDataPacket[]>(sql);
      return state.isConnected || Number(rows[0]?.['n']) > 0;
    });
    return {
      get isConnected() {
        return state.isConnected;
      },
      connected: () => connecting,
    };
  }

  async ask(name: string, statement: SimStatement): Promise<SimAnswer> {
    const answer = await this.#say(name, statement).answer();
    assert(answer !== 'closed', `${name} is still connected`);
    return answer;
  }

  async begin(name: string, statement: SimStatement): Promise<Call> {
    const call = this.#say(name, statement);
    let seen = 0;
    await this.#until(async () => {
      if (call.isAnswered) return true;
      if (!(await this.#isWaiting(call))) seen = 0;
      else seen += 1;
      return seen >= (call.hasPlainState ? stillWaitsPolls : 2);
    });
    return call;
  }

  async stillWaits(call: Call): Promise<void> {
    assert(call instanceof RealCall, 'a call of this driver');
    let seen = 0;
    await this.#until(async () => {
      assert(!call.isAnswered, 'the statement still waits');
      if (await this.#isWaiting(call)) seen += 1;
      return seen >= stillWaitsPolls;
    });
    assert(!call.isAnswered, 'the statement still waits');
  }

  sessionNumber(name: string): number {
    return this.#session(name).threadId;
  }

  async killDump(): Promise<void> {
    const sql = "SELECT id FROM performance_schema.processlist WHERE command LIKE 'Binlog Dump%'";
    const [rows] = await this.#control.query<RowDataPacket[]>(sql);
    for (const row of rows) await this.#control.query(`KILL ${row['id'] ?? row['ID']}`);
    await this.#untilClients(0);
    await this.#bridge?.close();
    this.#bridge = null;
  }

  async attach({ isSemisync, excludes, name }: AttachOptions): Promise<RealDump> {
    const semisync = await this.#clients();
    const dump = await RealDump.open({
      mysql: this.#mysql,
      serverId: 4_000_000 + [...name].reduce((sum, character) => sum + character.charCodeAt(0), 0),
      replicaUuid: `cccccccc-0000-0000-0000-${Buffer.from(name.padEnd(6)).toString('hex').slice(0, 12)}`,
      isSemisync,
      excludesExecuted: excludes === 'executed',
      nameOf: (gtid) => executedWords(GtidSet.of(gtid), this.#names),
    });
    if (isSemisync) await this.#untilClients(semisync + 1);
    return dump;
  }

  async executed(): Promise<string> {
    return executedWords(await this.#executedSet(), this.#names);
  }

  async pass(): Promise<void> {
    await clock.delay(pollMs);
  }

  async kill(): Promise<void> {
    await this.#mysql.server.kill();
    await this.#bridge?.ended();
    this.#isFollowing = false;
  }

  async shutDown(): Promise<void> {
    // The server gives clients ten seconds to go.
    this.#control.destroy();
    await this.#mysql.server.stop({ deadlineMs: 60_000 });
    this.#isFollowing = false;
  }

  async start(): Promise<void> {
    await this.#startServer();
    await this.#attachBridge();
    await this.#control.query('SET GLOBAL read_only = OFF');
  }

  async startOnly(): Promise<void> {
    await this.#startServer();
  }

  async cutBinlogBefore(count: number): Promise<void> {
    const transaction = this.#bridge?.transactions[count - 1];
    assert(transaction !== undefined, `the bridge received a transaction ${count}`);
    await using file = await open(
      join(this.#mysql.server.dataDirectory, transaction.end.file),
      'r+',
    );
    await file.truncate(transaction.start);
    await file.sync();
  }

  async upstream(statement: SimStatement): Promise<void> {
    this.#source ??= await RealSource.open(this.#mysql, this.#newUpstream());
    await this.#source.commit(statement);
  }

  upstreamIsOwn(): void {
    this.#isUpstreamOwn = true;
  }

  async caughtUp(): Promise<void> {
    const source = this.#source;
    assert(source !== null, 'the source committed something');
    if (!this.#isFollowing) await this.#follow(source);
    await this.#until(async () => source.upstream.committed.isSubsetOf(await this.#executedSet()));
  }

  async applierWaits(): Promise<void> {
    await this.#until(async () => {
      const sql =
        "SELECT COUNT(*) AS n FROM performance_schema.processlist WHERE user = 'system user' AND state = 'waiting for handler commit'";
      const [rows] = await this.#control.query<RowDataPacket[]>(sql);
      return Number(rows[0]?.['n']) > 0;
    });
  }

  async untilReplica(half: 'receiver' | 'applier', state: string): Promise<void> {
    await this.#until(async () => {
      const answer = await askReal(this.#control, { kind: 'replica-status' }, []);
      return (
        answer.kind === 'rows' &&
        answer.rows.some(([name, value]) => name === half && value === state)
      );
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#endCase();
    await this.#bridge?.close();
    this.#control.destroy();
    await this.#mysql[Symbol.asyncDispose]();
  }

  get #names(): { readonly own: string; readonly source: string; readonly base: bigint } {
    return { own: this.#serverUuid, source: sourceUuid, base: this.#base };
  }

  #newUpstream(): Upstream {
    return this.#isUpstreamOwn
      ? new Upstream({ serverUuid: this.#serverUuid, serverId })
      : new Upstream({ serverUuid: sourceUuid, serverId: 7 });
  }

  #session(name: string): Connection {
    const connection = this.#sessions.get(name);
    assert(connection !== undefined, `${name} was connected`);
    return connection;
  }

  #say(name: string, statement: SimStatement): RealCall {
    const connection = this.#session(name);
    if (statement.kind === 'follow') this.#isFollowing = true;
    return new RealCall({
      threadId: connection.threadId,
      hasPlainState: statement.kind === 'flush-binary-logs',
      answer: askReal(connection, statement, this.#source?.followSql ?? []),
    });
  }

  async #follow(source: RealSource): Promise<void> {
    this.#isFollowing = true;
    for (const sql of source.followSql) await this.#control.query(sql);
  }

  /** Whether its thread is seen in a wait. */
  async #isWaiting(call: RealCall): Promise<boolean> {
    const sql = `
      SELECT state, (SELECT COUNT(*) FROM performance_schema.data_lock_waits waits
        JOIN performance_schema.threads threads ON threads.thread_id = waits.requesting_thread_id
        WHERE threads.processlist_id = ${call.threadId}) AS locks
        FROM performance_schema.processlist WHERE id = ${call.threadId}`;
    const [rows] = await this.#control.query<RowDataPacket[]>(sql);
    const state = String(rows[0]?.['state'] ?? rows[0]?.['STATE'] ?? '');
    if (Number(rows[0]?.['locks'] ?? 0) > 0) return true;
    // FLUSH BINARY LOGS waits for prepared transactions without saying so.
    return /^waiting/i.test(state) || (call.hasPlainState && state === 'starting');
  }

  async #startServer(): Promise<void> {
    await this.#mysql.server.start();
    this.#control.destroy();
    this.#control = await connectTo(this.#mysql);
    await this.#control.query(quietRedo);
  }

  async #attachBridge(): Promise<void> {
    this.#replicas += 1;
    const attach = { isSemisync: true, excludes: 'executed', name: `b${this.#replicas}` } as const;
    this.#bridge = await this.attach(attach);
    this.acknowledgeAll(this.#isAcknowledging);
  }

  async #endCase(): Promise<void> {
    if (this.#mysql.server.state === 'running') this.acknowledgeAll(true);
    for (const connection of this.#sessions.values()) connection.destroy();
    this.#sessions.clear();
    await this.#source?.[Symbol.asyncDispose]();
    this.#source = null;
    this.#isUpstreamOwn = false;
    this.#isFollowing = false;
  }

  async #executedSet(): Promise<GtidSet> {
    const answer = await askReal(this.#control, { kind: 'gtid-executed' }, []);
    return GtidSet.parse(answer.kind === 'value' ? answer.value : '');
  }

  async #clients(): Promise<number> {
    const answer = await askReal(this.#control, { kind: 'semisync-status' }, []);
    const row = answer.kind === 'rows' ? answer.rows.find(([name]) => name === 'clients') : null;
    return Number(row?.[1] ?? 0);
  }

  async #untilClients(count: number): Promise<void> {
    await this.#until(async () => (await this.#clients()) === count);
  }

  /** There is no other way to learn of what a foreign process does than to ask it again. */
  async #until(claim: () => Promise<boolean>): Promise<void> {
    const endMs = clock.monotonicMs() + 240_000;
    while (!(await claim())) {
      assert(clock.monotonicMs() < endMs, `still not so: ${claim.toString()}`);
      await clock.delay(pollMs);
    }
  }
}

async function connectTo(mysql: TestMySql): Promise<Connection> {
  const connection = await createConnection({
    ...mysql.account,
    socketPath: mysql.server.socketPath,
    // Affected rows are those that changed, as a client of MySQL sees them by default.
    flags: ['-FOUND_ROWS'],
  });
  connection.on('error', () => undefined);
  return connection;
}
