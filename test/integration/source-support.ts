import type { Connection, RowDataPacket } from 'mysql2/promise';
import { assert } from '../../base/assert.ts';
import { type Clock, SystemClock } from '../../base/clock.ts';
import { deferred } from '../../base/deferred.ts';
import { silentLogger } from '../../base/logger.ts';
import { GtidSet } from '../../mysql-bridge/binlog/gtid-set.ts';
import { TransactionAssembler } from '../../mysql-bridge/binlog/transaction-assembler.ts';
import { DumpClient } from '../../mysql-bridge/dump-client.ts';
import { TransactionLedger } from '../../mysql-bridge/ledger/transaction-ledger.ts';
import type { InternalAccount } from '../../mysql-bridge/mysql-server.ts';
import { captureFormatDescription } from '../../mysql-bridge/source/format-description.ts';
import type { SourceLimits } from '../../mysql-bridge/source/source-limits.ts';
import { SourceServer } from '../../mysql-bridge/source/source-server.ts';
import { term } from '../../raft/core/types.ts';
import { ArrayRaft } from '../support/array-raft.ts';
import { startTestMySql, type TestMySql } from '../support/mysql-server.ts';

// A source over a log without consensus, filled from real primaries, for real replicas.

export const clock: Clock = new SystemClock();
export const replicationAccount: InternalAccount = { user: 'follower', password: 'for-tests-only' };

export async function scalar(connection: Connection, sql: string): Promise<string> {
  const [rows] = await connection.query<RowDataPacket[]>(sql);
  return String(Object.values(rows[0] ?? {})[0] ?? '');
}

/** Waits until the claim holds; there is no other way to learn of what a foreign process does. */
export async function until(claim: () => Promise<boolean>, timeoutMs = 240_000): Promise<void> {
  const endMs = clock.monotonicMs() + timeoutMs;
  while (!(await claim())) {
    assert(clock.monotonicMs() < endMs, `still not so after ${timeoutMs} ms: ${claim.toString()}`);
    await clock.delay(50);
  }
}

/** A server that may be written to, without waiting for any ack. */
export async function startPrimary(serverId: number): Promise<TestMySql> {
  const server = await startTestMySql({ serverId });
  await makeWritable(server);
  return server;
}

export async function makeWritable(server: TestMySql): Promise<void> {
  const connection = await server.connect();
  await connection.query('SET GLOBAL rpl_semi_sync_source_enabled = OFF');
  await connection.query('SET GLOBAL super_read_only = OFF');
  await connection.query('SET GLOBAL read_only = OFF');
}

/** A log, its ledger and its source, in this process. */
export interface TestSource extends AsyncDisposable {
  readonly raft: ArrayRaft;
  readonly ledger: TransactionLedger;
  readonly source: SourceServer;
  readonly port: number;
  /** Appends everything that this server has and the log has not, as a leader of the next term would, and commits it. */
  append(primary: TestMySql): Promise<void>;
}

export async function startSource(
  formatFrom: TestMySql,
  limits: Partial<SourceLimits> = {},
): Promise<TestSource> {
  const formatDescription = await captureFormatDescription({
    endpoint: { kind: 'unix', path: formatFrom.server.socketPath },
    account: formatFrom.account,
    serverId: 9001,
    replicaUuid: 'aaaaaaaa-0000-0000-0000-000000000001',
    heartbeatPeriodMs: 1000,
    loginTimeoutMs: 60_000,
    clock,
  });
  const raft = new ArrayRaft();
  const ledger = await TransactionLedger.open({
    raft,
    checkpointPath: null,
    logger: silentLogger,
    onFailure(error) {
      throw error;
    },
  });
  const source = new SourceServer({
    listen: { host: '127.0.0.1', port: 0 },
    accounts: [replicationAccount],
    raft,
    ledger,
    formatDescription: () => formatDescription,
    serverUuid: 'bbbbbbbb-0000-0000-0000-000000000001',
    serverId: 9000,
    version: formatFrom.installation.version,
    clock,
    logger: silentLogger,
    limits,
  });
  const port = await source.open();
  return {
    raft,
    ledger,
    source,
    port,
    append: (primary) => appendFrom(primary, raft, ledger),
    async [Symbol.asyncDispose]() {
      await source.close();
      await ledger.close();
    },
  };
}

async function appendFrom(
  primary: TestMySql,
  raft: ArrayRaft,
  ledger: TransactionLedger,
): Promise<void> {
  await ledger.caughtUpTo(raft.status.commitIndex);
  const nextTerm = raft.status.term + 1;
  raft.change({ term: term(nextTerm) });
  raft.append(nextTerm, null);
  await using client = await DumpClient.open({
    endpoint: { kind: 'unix', path: primary.server.socketPath },
    account: primary.account,
    serverId: 9002,
    replicaUuid: 'aaaaaaaa-0000-0000-0000-000000000002',
    heartbeatPeriodMs: 100,
    loginTimeoutMs: 60_000,
    clock,
    isSemisync: false,
  });
  const missing = GtidSet.parse(await client.executedGtids()).subtract(ledger.committed);
  const received = new GtidSet();
  const assembler = new TransactionAssembler({ hasSemisyncHeader: false });
  const all = deferred();
  client.start(ledger.committed.encode(), {
    onPieces(pieces) {
      for (const effect of pieces.flatMap((piece) => assembler.step(piece))) {
        if (effect.kind === 'fault') all.reject(new Error(effect.reason));
        if (effect.kind === 'payload') raft.append(nextTerm, effect.encoded.slice());
        if (effect.kind !== 'transaction-received') continue;
        raft.commit();
        received.add(effect.gtid);
        if (missing.isSubsetOf(received)) all.resolve();
      }
    },
    onEnd(error) {
      if (error !== null) all.reject(error);
    },
  });
  if (missing.isEmpty) all.resolve();
  await all.promise;
  raft.commit();
  await ledger.caughtUpTo(raft.status.commitIndex);
}

/** Points a server at the source and starts replication. */
export async function follow(replica: TestMySql, port: number): Promise<void> {
  const connection = await replica.connect();
  await connection.query(
    `CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = ${port},
     SOURCE_USER = '${replicationAccount.user}', SOURCE_PASSWORD = '${replicationAccount.password}',
     SOURCE_SSL = 0, SOURCE_AUTO_POSITION = 1, SOURCE_CONNECT_RETRY = 1, SOURCE_HEARTBEAT_PERIOD = 0.2`,
  );
  await connection.query('START REPLICA');
}

export interface ReplicaStatus {
  readonly ioRunning: string;
  readonly sqlRunning: string;
  readonly errors: string;
  readonly readPosition: number;
  readonly sourceFile: string;
  readonly executed: GtidSet;
}

export async function replicaStatus(connection: Connection): Promise<ReplicaStatus> {
  const [rows] = await connection.query<RowDataPacket[]>('SHOW REPLICA STATUS');
  const row: Record<string, unknown> = rows[0] ?? {};
  return {
    ioRunning: String(row['Replica_IO_Running']),
    sqlRunning: String(row['Replica_SQL_Running']),
    errors: `${row['Last_IO_Error']}${row['Last_SQL_Error']}`,
    readPosition: Number(row['Read_Source_Log_Pos']),
    sourceFile: String(row['Source_Log_File']),
    executed: GtidSet.parse(String(row['Executed_Gtid_Set'])),
  };
}

/** Waits until the replica has applied everything that is committed; an error of its threads ends the wait. */
export async function applied(replica: TestMySql, source: TestSource): Promise<void> {
  const connection = await replica.connect();
  await until(async () => {
    const status = await replicaStatus(connection);
    assert(status.errors === '', status.errors);
    return source.ledger.committed.isSubsetOf(status.executed);
  });
}

/** Names and checksums of all tables of a schema. */
export async function checksums(server: TestMySql, schema: string): Promise<string[]> {
  const connection = await server.connect();
  const [tables] = await connection.query<RowDataPacket[]>(`SHOW TABLES FROM ${schema}`);
  const names = tables.map((row) => `${schema}.${Object.values(row)[0]}`);
  if (names.length === 0) return [];
  const [rows] = await connection.query<RowDataPacket[]>(`CHECKSUM TABLE ${names.join(', ')}`);
  return rows.map((row) => `${row['Table']} ${row['Checksum']}`);
}
