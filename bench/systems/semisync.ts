import type { Turn } from '../environment.ts';
import { BenchError } from '../errors.ts';
import { type SqlEndpoint, withSql } from '../sql.ts';
import { PlainServer, peerAccount } from './plain-server.ts';
import { durableSettings, type RunningSystem, requireGlobals } from './system.ts';

const replicaNumbers = [2, 3];
/** A source that waits an hour for an acknowledgement has not become asynchronous during a benchmark. */
const ackTimeoutMs = 3_600_000;
const readyTimeoutMs = 30_000;
const readyPollMs = 50;

/**
 * Lossless semi-synchronous replication: one source, two replicas, and a commit returns when one replica has it (MySQL manual,
 * "Semisynchronous Replication"). With `isRelayLogSynced` that replica has it on its disk, as a majority has in a Raft log;
 * MySQL's default lets it acknowledge what a power cut takes away.
 */
export async function startSemisync(turn: Turn, isRelayLogSynced: boolean): Promise<RunningSystem> {
  await using started = new AsyncDisposableStack();
  const source = started.use(
    await PlainServer.start(turn, { number: 1, settings: sourceSettings() }),
  );
  const replicas: PlainServer[] = [];
  for (const number of replicaNumbers) {
    const settings = replicaSettings(isRelayLogSynced);
    const plugins = ['semisync_replica.so'];
    const replica = started.use(await PlainServer.start(turn, { number, settings, plugins }));
    await follow(turn, replica.endpoint, source.endpoint);
    replicas.push(replica);
  }
  const followers = replicas.map(({ endpoint }) => endpoint);
  const servers = started.move();
  const system: RunningSystem = {
    endpoints: [source.endpoint],
    primary: source.endpoint,
    followers,
    check: () => check({ turn, source: source.endpoint, followers, isRelayLogSynced }),
    [Symbol.asyncDispose]: () => servers.disposeAsync(),
  };
  try {
    await untilFollowed(turn, source.endpoint, replicaNumbers.length);
    return system;
  } catch (thrown) {
    await servers.disposeAsync();
    throw thrown;
  }
}

/** Lossless, one acknowledgement, and never asynchronous. */
export function sourceSettings(): Readonly<Record<string, string>> {
  return {
    rpl_semi_sync_source_enabled: 'ON',
    rpl_semi_sync_source_timeout: String(ackTimeoutMs),
    // One of two replicas, and the source itself: a majority of three.
    rpl_semi_sync_source_wait_for_replica_count: '1',
  };
}

function replicaSettings(isRelayLogSynced: boolean): Readonly<Record<string, string>> {
  return {
    rpl_semi_sync_replica_enabled: 'ON',
    super_read_only: 'ON',
    ...(isRelayLogSynced ? { sync_relay_log: '1' } : {}),
  };
}

async function follow(turn: Turn, replica: SqlEndpoint, source: SqlEndpoint): Promise<void> {
  const clauses = [
    "SOURCE_HOST = '127.0.0.1'",
    `SOURCE_PORT = ${source.port}`,
    `SOURCE_USER = '${peerAccount.user}'`,
    `SOURCE_PASSWORD = '${peerAccount.password}'`,
    'SOURCE_AUTO_POSITION = 1',
    'SOURCE_CONNECT_RETRY = 1',
    'SOURCE_SSL = 0',
    'GET_SOURCE_PUBLIC_KEY = 1',
  ];
  await withSql(replica, turn.clock, async (query) => {
    await query(`CHANGE REPLICATION SOURCE TO ${clauses.join(', ')}`);
    await query('START REPLICA');
  });
}

/** Settles when so many acknowledge. Rejects with BENCH_START_FAILED. */
export async function untilFollowed(turn: Turn, source: SqlEndpoint, count: number): Promise<void> {
  const { clock, signal } = turn;
  const untilMs = clock.monotonicMs() + readyTimeoutMs;
  for (;;) {
    const clients = await withSql(source, clock, async (query) => {
      const [row] = await query("SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_source_clients'");
      return Number(row?.['Value']);
    });
    if (clients === count) return;
    if (clock.monotonicMs() > untilMs) {
      const message = `semi-sync: ${clients} of ${count} replicas came within ${readyTimeoutMs} ms`;
      throw new BenchError('BENCH_START_FAILED', message);
    }
    await clock.delay(readyPollMs, { signal });
  }
}

async function check(parts: {
  readonly turn: Turn;
  readonly source: SqlEndpoint;
  readonly followers: readonly SqlEndpoint[];
  readonly isRelayLogSynced: boolean;
}): Promise<void> {
  const { turn, isRelayLogSynced } = parts;
  await requireLossless(turn, parts.source, replicaNumbers.length);
  for (const follower of parts.followers) {
    await withSql(follower, turn.clock, async (query) => {
      const relayLog = isRelayLogSynced ? { sync_relay_log: '1' } : { sync_relay_log: '10000' };
      await requireGlobals('semi-sync replica', query, 'VARIABLES', {
        ...durableSettings,
        ...relayLog,
        super_read_only: 'ON',
        replica_parallel_workers: '4',
      });
      await requireGlobals('semi-sync replica', query, 'STATUS', {
        Rpl_semi_sync_replica_status: 'ON',
      });
      await requireApplying(query);
    });
  }
}

/** Rejects with BENCH_MISCONFIGURED unless every commit waited for one of so many. */
export async function requireLossless(
  turn: Turn,
  source: SqlEndpoint,
  clients: number,
): Promise<void> {
  await withSql(source, turn.clock, async (query) => {
    await requireGlobals('semi-sync source', query, 'VARIABLES', {
      ...durableSettings,
      rpl_semi_sync_source_enabled: 'ON',
      rpl_semi_sync_source_wait_point: 'AFTER_SYNC',
      rpl_semi_sync_source_wait_no_replica: 'ON',
      rpl_semi_sync_source_wait_for_replica_count: '1',
    });
    await requireGlobals('semi-sync source', query, 'STATUS', {
      Rpl_semi_sync_source_status: 'ON',
      Rpl_semi_sync_source_clients: String(clients),
      // Not one commit went without its acknowledgement.
      Rpl_semi_sync_source_no_tx: '0',
    });
  });
}

async function requireApplying(query: Parameters<typeof requireGlobals>[1]): Promise<void> {
  const [row] = await query('SHOW REPLICA STATUS');
  const running = [row?.['Replica_IO_Running'], row?.['Replica_SQL_Running']];
  if (running.every((word) => word === 'Yes')) return;
  const errors = [row?.['Last_IO_Error'], row?.['Last_SQL_Error']].join(' ');
  throw new BenchError('BENCH_MISCONFIGURED', `semi-sync replica does not replicate: ${errors}`);
}
