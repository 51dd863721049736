import type { Operation } from '../history.ts';
import { decideLinearization } from '../linearizability/decide.ts';
import { shrink } from '../linearizability/shrink.ts';
import { tableOf } from '../linearizability/transition-table.ts';
import type { Anomaly, CheckLimits, Model, Verdict } from '../verdict.ts';
import { outcomeCounts, requireKnown } from './operations.ts';

const free = 0;
const taken = 1;

/** A lock is taken only while free, and freed only while taken. Who frees it is not judged, as in Knossos. */
export function createMutex(): Model {
  return { name: 'mutex', check };
}

function check(operations: readonly Operation[], limits: CheckLimits): Verdict {
  requireKnown(operations, 'mutex', ['acquire', 'release']);
  const judged = operations.filter(({ outcome }) => outcome !== 'fail');
  const rows = judged.map(({ f, outcome, callAt, endAt }) => ({
    needs: f === 'acquire' ? free : taken,
    makes: f === 'acquire' ? taken : free,
    callAt,
    endAt: outcome === 'ok' ? endAt : Number.POSITIVE_INFINITY,
  }));
  const table = tableOf(rows, { stateCount: 2, initial: free });
  const result = decideLinearization(table, limits);
  if (result.kind === 'undecided') return { kind: 'undecided', reason: result.reason };
  const counts = outcomeCounts(operations);
  if (result.kind === 'linearizable') return { kind: 'valid', counts };
  const { rows: kept, needsInitialState } = shrink(table, result.blockedRow, limits);
  const shown = kept.flatMap((row) => judged[row] ?? []);
  const anomaly = anomalyOf(shown, needsInitialState);
  return { kind: 'invalid', anomalies: [anomaly], counts: counts.set(anomaly.name, 1) };
}

function anomalyOf(operations: readonly Operation[], needsInitialState: boolean): Anomaly {
  const isOf = (f: string): boolean => operations.every((operation) => operation.f === f);
  const start = needsInitialState ? 'the lock is free at the start' : 'whatever came before';
  const common = { operations, steps: [] };
  if (isOf('acquire')) {
    const explanation = `${start}: these operations took the lock, and nobody can have freed it between them`;
    return { name: 'held-twice', explanation, ...common };
  }
  if (isOf('release')) {
    const explanation = `${start}: these operations freed the lock, and nobody can have taken it between them`;
    return { name: 'released-twice', explanation, ...common };
  }
  const explanation = `${start}: these operations fit in no order in which the lock is taken only while free and freed only while taken`;
  return { name: 'nonlinearizable', explanation, ...common };
}
