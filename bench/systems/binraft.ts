import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BinraftCluster } from '../../test/support/binraft-cluster.ts';
import { unlessAborted } from '../../test/support/unless-aborted.ts';
import type { Turn } from '../environment.ts';
import { BenchError } from '../errors.ts';
import { type SqlEndpoint, withSql } from '../sql.ts';
import { durableSettings, type RunningSystem, requireGlobals } from './system.ts';

export interface BinraftOptions {
  readonly nodes: number;
  readonly reads: 'read-index' | 'lease';
  /** `writes`: the read-write port of the leader. `follower reads`: the read-only ports of all followers. */
  readonly load: 'writes' | 'follower reads';
}

/** What is asked of followers, and of the sidecar's own gate, by `binraft up` itself; seen here from outside. */
const primarySettings: Readonly<Record<string, string>> = {
  ...durableSettings,
  rpl_semi_sync_source_enabled: 'ON',
  rpl_semi_sync_source_wait_point: 'AFTER_SYNC',
};

/** A cluster as a user starts it, `binraft up`, with nothing set but its ports and how reads are confirmed. */
export async function startBinraft(turn: Turn, options: BinraftOptions): Promise<RunningSystem> {
  const cluster = await startCluster(turn, options);
  try {
    const leader = await unlessAborted(turn.signal, cluster.leader());
    const app = { user: 'app', password: cluster.appPassword };
    const all = await unlessAborted(turn.signal, cluster.settled());
    const others = all.filter(({ node }) => node !== leader.node);
    const primary: SqlEndpoint = { ...app, port: leader.ports.readWrite };
    const readers = others.map(({ ports }): SqlEndpoint => ({ ...app, port: ports.readOnly }));
    const [first = primary, ...rest] = options.load === 'writes' ? [primary] : readers;
    return {
      endpoints: [first, ...rest],
      primary,
      followers: others.map(({ ports }): SqlEndpoint => ({ ...app, port: ports.mysql })),
      check: async () => {
        await check({ turn, cluster, options, leader: leader.node, primary });
        if (options.load === 'follower reads') await requireReplicas(turn, readers);
      },
      [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
    };
  } catch (thrown) {
    await cluster[Symbol.asyncDispose]();
    throw thrown;
  }
}

/** The processes alone; their folder goes with the turn. */
export async function startCluster(
  turn: Turn,
  options: Pick<BinraftOptions, 'nodes' | 'reads'>,
): Promise<BinraftCluster> {
  try {
    return await BinraftCluster.start({
      nodeCount: options.nodes,
      basePort: turn.ports.binraftBase,
      directory: join(turn.folder, 'cluster'),
      launcher: turn.launcher,
      signal: turn.signal,
      args: ['--reads', options.reads],
    });
  } catch (cause) {
    turn.signal.throwIfAborted();
    throw new BenchError('BENCH_START_FAILED', `binraft up: ${String(cause)}`, { cause });
  }
}

/** Each read-only port leads to a read-only server, and no two to the same one. */
async function requireReplicas(turn: Turn, readers: readonly SqlEndpoint[]): Promise<void> {
  const servers = await Promise.all(
    readers.map((reader) =>
      withSql(reader, turn.clock, async (query) => {
        await requireGlobals('read-only port', query, 'VARIABLES', { super_read_only: 'ON' });
        const [row] = await query('SELECT @@server_uuid AS uuid');
        return String(row?.['uuid']);
      }),
    ),
  );
  if (new Set(servers).size === servers.length) return;
  const message = 'two read-only ports lead to the same server';
  throw new BenchError('BENCH_MISCONFIGURED', message);
}

async function check(parts: {
  readonly turn: Turn;
  readonly cluster: BinraftCluster;
  readonly options: BinraftOptions;
  readonly leader: string;
  readonly primary: SqlEndpoint;
}): Promise<void> {
  const { turn, cluster, options, leader, primary } = parts;
  const { nodes } = await cluster.status();
  const roles = nodes.map((member) =>
    member.kind === 'reached' ? `${member.id} ${member.status.mysql.role}` : `${member.id} gone`,
  );
  const wanted = cluster.nodes.map(({ id }) => `${id} ${id === leader ? 'primary' : 'replica'}`);
  if (roles.join() !== wanted.join() || wanted.length !== options.nodes) {
    const message = `cluster: ${roles.join(', ')}; it began as ${wanted.join(', ')}`;
    throw new BenchError('BENCH_MISCONFIGURED', message);
  }
  for (const { id, directory } of cluster.nodes) {
    const config = await readFile(join(directory, 'node.yaml'), 'utf8');
    if (config.includes(`reads: ${options.reads}\n`)) continue;
    throw new BenchError('BENCH_MISCONFIGURED', `${id} does not confirm reads by ${options.reads}`);
  }
  await withSql(primary, turn.clock, async (query) => {
    await requireGlobals('binraft primary', query, 'VARIABLES', primarySettings);
    await requireGlobals('binraft primary', query, 'STATUS', { Rpl_semi_sync_source_no_tx: '0' });
  });
}
