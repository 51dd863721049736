import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Operation } from '../../../history/history.ts';
import { startTestMySql, type TestMySql, testAccount } from '../../support/mysql-server.ts';
import { startLoad } from '../load/start-load.ts';
import { anomalyNamesIn, controlledStream, readStream } from './stream-checks.ts';

/** What one plain server shows at REPEATABLE READ, under the same transactions (HAZARDS C3). */
export interface ControlRun {
  readonly anomalies: readonly string[];
  readonly operations: number;
}

/** A round that shows nothing new ends the control; so many at most. */
const roundsMax = 4;

/**
 * The same workload on one server without replication. Anomalies are a matter of luck, so it runs, at a rate of its own, until a whole
 * round showed no kind that was not known: what it never shows then, its isolation level does not let happen easily.
 */
export async function runControl(options: {
  readonly out: string;
  readonly seed: number;
  readonly ratePerSecond: number;
  /** Of one round; there are two at least. */
  readonly roundMs: number;
  readonly signal: AbortSignal;
}): Promise<ControlRun> {
  await mkdir(options.out, { recursive: true });
  await using mysql = await startTestMySql({ parent: options.out });
  options.signal.throwIfAborted();
  const connection = await mysql.connect();
  await connection.query('SET GLOBAL super_read_only = 0, GLOBAL read_only = 0');
  await connection.query('SET GLOBAL rpl_semi_sync_source_enabled = 0');
  const anomalies = new Set<string>();
  let operations = 0;
  for (let round = 0; round < roundsMax; round += 1) {
    const seen = await runRound(mysql, { ...options, round });
    operations += seen.length;
    const names = await anomalyNamesIn(seen);
    const isNew = names.some((name) => !anomalies.has(name));
    for (const name of names) anomalies.add(name);
    if (round > 0 && !isNew) break;
  }
  return { anomalies: [...anomalies].sort(), operations };
}

async function runRound(
  mysql: TestMySql,
  options: Parameters<typeof runControl>[0] & { readonly round: number },
): Promise<readonly Operation[]> {
  const out = join(options.out, `round-${options.round}`);
  await mkdir(out, { recursive: true });
  const port = mysql.server.port;
  const site = {
    nodes: [
      {
        id: 'plain',
        host: '127.0.0.1',
        readWritePort: port,
        readOnlyPort: port,
        directory: mysql.directory,
      },
    ],
    appUser: testAccount.user,
    appPassword: testAccount.password,
  };
  await using load = await startLoad(site, {
    workloads: [controlledStream],
    ratePerSecond: options.ratePerSecond,
    seed: options.seed + options.round,
    out,
    plannedMs: options.roundMs,
    signal: options.signal,
  });
  await delay(options.roundMs, undefined, { signal: options.signal });
  const recorded = await load.stop();
  const [stream] = recorded.streams;
  if (stream === undefined || recorded.problems.length > 0) {
    throw new Error(`the control run failed: ${recorded.problems.join('; ')}`);
  }
  return readStream(stream.file).operations;
}
