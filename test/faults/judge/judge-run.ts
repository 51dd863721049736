import { messageOf } from '../../../base/errors.ts';
import type { Operation } from '../../../history/history.ts';
import type { LeaderSighting } from '../leader-watch.ts';
import { shareRate } from '../load/rate.ts';
import type { RecordedLoad, RecordedStream, WorkloadName } from '../load/workload.ts';
import { workloadNamed } from '../load/workloads/registry.ts';
import type { FaultEvent } from '../site.ts';
import { type Check, simpleCheck } from './check.ts';
import type { ControlRun } from './control-run.ts';
import { type Failover, failoversOf } from './failovers.ts';
import { faultsOf, type SeenFault } from './faults.ts';
import { minimaFor } from './minima.ts';
import { type EndedOperation, endedOperations } from './operation-times.ts';
import { checkStream, readStream } from './stream-checks.ts';
import { type FaultSchedule, type JudgedWindow, judgedWindows, vacuityChecks } from './vacuity.ts';

export interface RunRecord {
  readonly load: RecordedLoad;
  readonly events: readonly FaultEvent[];
  /** Null where no fault was asked for. */
  readonly schedule: FaultSchedule | null;
  readonly leaders: readonly LeaderSighting[];
  readonly control: ControlRun | null;
  /** What the runner found out by itself, convergence among it. */
  readonly others: readonly Check[];
  readonly ratePerSecond: number;
  readonly workloads: readonly WorkloadName[];
}

/** Everything a run said, judged. Times in milliseconds since the origin of the histories. */
export interface JudgedRun {
  readonly checks: readonly Check[];
  readonly faults: readonly SeenFault[];
  readonly failovers: readonly Failover[];
  readonly leaders: readonly LeaderSighting[];
  readonly operations: readonly EndedOperation[];
  /** The stretches in which rates were judged. */
  readonly windows: readonly JudgedWindow[];
  /** By the stream of a check, all its operations: an anomaly is shown among them. */
  readonly anomalousStreams: ReadonlyMap<string, readonly Operation[]>;
  readonly stoppedMs: number;
}

const nanosPerMs = 1e6;

export async function judgeRun(record: RunRecord): Promise<JudgedRun> {
  const { load, events, control } = record;
  const ended: EndedOperation[] = [];
  const checks: Check[] = [];
  const anomalousStreams = new Map<string, readonly Operation[]>();
  for (const stream of load.streams) {
    const { operations, check } = await judgeStream(stream, control);
    // One by one, as a call with that many arguments would be too much.
    for (const one of endedOperations(operations, stream.workload)) ended.push(one);
    if (check === null) continue;
    checks.push(check);
    if (check.anomalies.length > 0) anomalousStreams.set(stream.stream, operations);
  }
  const stoppedMs = load.stoppedNanos / nanosPerMs;
  // What was read in the end is no part of the load.
  const operations = ended.filter(({ endMs }) => endMs <= stoppedMs);
  const faults = faultsOf(events, load.originMs);
  const { workloads, schedule } = record;
  const workloadRates = shareRate(record.ratePerSecond, workloads.map(workloadNamed));
  const minima = minimaFor(record.ratePerSecond);
  const windows = judgedWindows({ operations, faults, stoppedMs, minima });
  const vacuity = { operations, faults, stoppedMs, schedule, workloadRates, minima };
  checks.push(...record.others, clientsCheck(load), ...vacuityChecks(vacuity, windows));
  const leaders = record.leaders.map((sample) => ({
    ...sample,
    atMs: sample.atMs - load.originMs,
  }));
  const failovers = failoversOf({ samples: leaders, operations, faults });
  const judged = { checks, faults, failovers, leaders, operations, windows };
  return { ...judged, anomalousStreams, stoppedMs };
}

async function judgeStream(
  stream: RecordedStream,
  control: ControlRun | null,
): Promise<{ readonly operations: readonly Operation[]; readonly check: Check | null }> {
  try {
    const history = readStream(stream.file);
    const check = await checkStream(stream, history, control?.anomalies ?? null);
    return { operations: history.operations, check };
  } catch (thrown) {
    // A history that cannot be judged is no reason to leave the others alone.
    const reason = messageOf(thrown);
    const check = simpleCheck({
      group: 'history',
      name: stream.stream,
      summary: 'the history cannot be judged',
      violations: [reason],
    });
    return { operations: [], check };
  }
}

function clientsCheck({ problems, counts }: RecordedLoad): Check {
  const { ok, failed, unknown } = counts;
  return simpleCheck({
    group: 'clients',
    name: 'client processes',
    summary: `${ok} ok, ${failed} failed, ${unknown} unknown`,
    violations: problems,
    counts: { ok, failed, unknown },
  });
}
