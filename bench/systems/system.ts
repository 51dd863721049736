import type { Turn } from '../environment.ts';
import { BenchError } from '../errors.ts';
import { type Query, readGlobals, type SqlEndpoint } from '../sql.ts';

/** Servers that together take a load: one MySQL, a group of them, or a cluster of this project. */
export interface RunningSystem extends AsyncDisposable {
  /** Where the load goes. Several are used in turn, thread by thread. */
  readonly endpoints: readonly [SqlEndpoint, ...SqlEndpoint[]];
  /** Where tables are made, and whose GTIDs the followers must reach. */
  readonly primary: SqlEndpoint;
  readonly followers: readonly SqlEndpoint[];
  /** Rejects with BENCH_MISCONFIGURED when it is not, or no longer, what its name says. */
  check(): Promise<void>;
}

export type StartSystem = (turn: Turn) => Promise<RunningSystem>;

/** What every primary must be set to: an acknowledged commit is on its disk, in the binlog and in the engine. */
export const durableSettings: Readonly<Record<string, string>> = {
  sync_binlog: '1',
  innodb_flush_log_at_trx_commit: '1',
  innodb_doublewrite: 'ON',
};

/** Rejects with BENCH_MISCONFIGURED, naming each that is otherwise. */
export async function requireGlobals(
  who: string,
  query: Query,
  kind: 'VARIABLES' | 'STATUS',
  wanted: Readonly<Record<string, string>>,
): Promise<void> {
  const actual = await readGlobals(query, kind, Object.keys(wanted));
  const faults = Object.entries(wanted)
    .filter(([name, value]) => actual.get(name) !== value)
    .map(([name, value]) => `${name} is ${actual.get(name) ?? 'not there'}, not ${value}`);
  if (faults.length === 0) return;
  throw new BenchError('BENCH_MISCONFIGURED', `${who}: ${faults.join('; ')}`);
}
