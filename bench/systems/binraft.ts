import { join } from 'node:path';
import { BinraftCluster } from '../../test/support/binraft-cluster.ts';
import type { Turn } from '../environment.ts';
import { BenchError } from '../errors.ts';
import { type SqlEndpoint, withSql } from '../sql.ts';
import { unlessAborted } from '../unless-aborted.ts';
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
      check: () => check({ turn, cluster, options, leader: leader.node, primary }),
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
  await withSql(primary, turn.clock, async (query) => {
    await requireGlobals('binraft primary', query, 'VARIABLES', primarySettings);
    await requireGlobals('binraft primary', query, 'STATUS', { Rpl_semi_sync_source_no_tx: '0' });
  });
}
