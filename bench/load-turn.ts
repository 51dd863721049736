import type { SysbenchReport } from './core/sysbench-report.ts';
import type { Turn } from './environment.ts';
import { readSettings, withSql } from './sql.ts';
import { database, prepareTables, runLoad, type SysbenchTest } from './sysbench.ts';
import type { RunningSystem, StartSystem } from './systems/system.ts';

/** What one turn of a system under sysbench consists of. */
export interface LoadPlan {
  readonly tests: readonly SysbenchTest[];
  readonly threads: readonly number[];
  readonly seconds: number;
  /** Length of the load before anything is measured; all tests have equal shares of it. */
  readonly warmUpSeconds: number;
  /** Measure how long followers take to catch up behind each load, and begin the next one only then. */
  readonly awaitsFollowers: boolean;
}

const warmUpThreads = 16;
/** Followers further behind than this are said to be so, and the next load begins all the same. */
const catchUpMsMax = 10_000;

/**
 * Starts a system, proves that it is what it is called, warms it up, loads it, proves it again, and ends it. Servers that people use have been at work for
 * weeks, ours begins with code that has not been compiled yet: so every system works for some seconds first, and one session alone is measured last.
 */
export async function loadTurn(turn: Turn, start: StartSystem, plan: LoadPlan): Promise<void> {
  turn.doing('start');
  await using system = await start(turn);
  await system.check();
  turn.doing('prepare');
  await withSql(system.primary, turn.clock, async (query) => {
    turn.settings(await readSettings(query));
    await query(`CREATE DATABASE ${database}`);
  });
  await prepareTables(turn, system.primary);
  await catchUpMs(turn, system);
  turn.doing('warm up');
  const seconds = plan.warmUpSeconds / plan.tests.length;
  for (const test of plan.tests) {
    await runLoad(turn, system.endpoints, { test, threads: warmUpThreads, seconds });
  }
  await catchUpMs(turn, system);
  for (const test of plan.tests) {
    for (const threads of plan.threads.toSorted((one, other) => other - one)) {
      await measure(turn, system, { ...plan, test, threads });
    }
  }
  // A source that fell back to asynchronous replication in between measured something else.
  await system.check();
}

async function measure(
  turn: Turn,
  system: RunningSystem,
  load: Pick<LoadPlan, 'seconds' | 'awaitsFollowers'> & {
    readonly test: SysbenchTest;
    readonly threads: number;
  },
): Promise<void> {
  const { test, threads } = load;
  turn.doing(`${test.replace('oltp_', '')} ${threads}`);
  const report = await runLoad(turn, system.endpoints, load);
  const behindMs = load.awaitsFollowers ? await catchUpMs(turn, system) : null;
  if (report.reconnects > 0) {
    turn.note(`${report.reconnects} sessions were lost and opened again during ${test}`);
  }
  turn.record({
    measure: test,
    x: threads,
    metrics: {
      throughput: report.transactionsPerSecond,
      ignoredErrors: report.ignoredErrors,
      ...(behindMs === null ? {} : catchUpMetrics(report, behindMs)),
    },
    distribution: report.latenciesMs,
  });
}

/** On few cores, followers that fall behind leave their share of the work for later: a short run alone would praise them for it. */
function catchUpMetrics(
  report: SysbenchReport,
  behindMs: number,
): { readonly catchUpMs: number; readonly sustained: number } {
  const seconds = report.transactions / report.transactionsPerSecond + behindMs / 1000;
  return { catchUpMs: behindMs, sustained: report.transactions / seconds };
}

/** Null where nobody follows. Rejections are those of the connections. */
async function catchUpMs(turn: Turn, system: RunningSystem): Promise<number | null> {
  if (system.followers.length === 0) return null;
  const { clock } = turn;
  const beganMs = clock.monotonicMs();
  const executed = await withSql(system.primary, clock, async (query) => {
    const [row] = await query('SELECT @@GLOBAL.gtid_executed AS executed');
    return String(row?.['executed']).replaceAll(/\s/g, '');
  });
  const lates = await Promise.all(
    system.followers.map((follower) =>
      withSql(follower, clock, async (query) => {
        const [row] = await query(
          `SELECT WAIT_FOR_EXECUTED_GTID_SET('${executed}', ${catchUpMsMax / 1000}) AS is_late`,
          catchUpMsMax + 5000,
        );
        return String(row?.['is_late']) !== '0';
      }),
    ),
  );
  if (lates.includes(true)) turn.note(`followers were more than ${catchUpMsMax / 1000} s behind`);
  return clock.monotonicMs() - beganMs;
}
