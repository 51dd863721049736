import { failureOf, runProgram } from '../mysql-bridge/server/run-program.ts';
import { parseSysbench, type SysbenchReport } from './core/sysbench-report.ts';
import type { Turn } from './environment.ts';
import { BenchError } from './errors.ts';
import type { SqlEndpoint } from './sql.ts';

/** Load programs of Debian's sysbench package. */
export const sysbenchTests = [
  'oltp_insert',
  'oltp_update_non_index',
  'oltp_read_write',
  'oltp_point_select',
] as const;
export type SysbenchTest = (typeof sysbenchTests)[number];

/** The same tables for everybody: they fit into the buffer pool, so that commits and reads are measured, not disks. */
export const database = 'sbtest';
const tables = 4;
const rowsPerTable = 10_000;
const prepareTimeoutMs = 120_000;
/** Beyond the time a run was asked to take: its last transactions may wait for a slow disk. */
const graceMs = 60_000;
/** Of what a load that failed has said. */
const reasonLines = 3;

export async function prepareTables(turn: Turn, endpoint: SqlEndpoint): Promise<void> {
  await sysbench(turn, [endpoint], {
    args: ['oltp_insert', 'prepare'],
    timeoutMs: prepareTimeoutMs,
  });
}

/** Rejects with BENCH_LOAD_FAILED when a session fails for anything but a deadlock or a lock wait. */
export async function runLoad(
  turn: Turn,
  endpoints: readonly SqlEndpoint[],
  load: { readonly test: SysbenchTest; readonly threads: number; readonly seconds: number },
): Promise<SysbenchReport> {
  const args = [
    `--threads=${load.threads}`,
    `--time=${load.seconds}`,
    '--histogram=on',
    load.test,
    'run',
  ];
  const timeoutMs = load.seconds * 1000 + graceMs;
  const output = await sysbench(turn, endpoints, { args, timeoutMs });
  const parsed = parseSysbench(output);
  if (parsed.kind === 'report') return parsed.report;
  const message = `sysbench ${load.test} printed no ${parsed.missing}: ${output.slice(-500)}`;
  throw new BenchError('BENCH_LOAD_FAILED', message);
}

async function sysbench(
  turn: Turn,
  endpoints: readonly SqlEndpoint[],
  run: { readonly args: readonly string[]; readonly timeoutMs: number },
): Promise<string> {
  const [first] = endpoints;
  const command = [
    ...turn.launcher,
    ...turn.tools.find('sysbench').command,
    '--db-driver=mysql',
    '--mysql-host=127.0.0.1',
    // Connections go to these in turn.
    `--mysql-port=${endpoints.map(({ port }) => port).join(',')}`,
    `--mysql-user=${first?.user ?? ''}`,
    `--mysql-password=${first?.password ?? ''}`,
    `--mysql-db=${database}`,
    `--tables=${tables}`,
    `--table-size=${rowsPerTable}`,
    ...run.args,
  ];
  const result = await runProgram(command, { timeoutMs: run.timeoutMs, signal: turn.signal });
  turn.signal.throwIfAborted();
  if (result.status === 0) return result.stdout;
  // The first ones say why; each session that fails then says that it did.
  const words = new Set(result.stdout.split('\n').filter((line) => /FATAL|error/i.test(line)));
  const reason = [failureOf(result), ...[...words].slice(0, reasonLines)].join(' / ');
  throw new BenchError('BENCH_LOAD_FAILED', `sysbench ${run.args.join(' ')}: ${reason}`);
}
