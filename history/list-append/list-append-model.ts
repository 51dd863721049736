import type { Operation } from '../history.ts';
import { outcomeCounts } from '../models/operations.ts';
import type { CheckLimits, Model, Verdict } from '../verdict.ts';
import { AnomalyCollector } from './anomaly-collector.ts';
import { type Consistency, type ConsistencyRules, rulesOf } from './consistency.ts';
import { nameOfCycle } from './cycle-kinds.ts';
import { findCycles } from './cycles.ts';
import { addDependencies } from './dependencies.ts';
import { type Graph, GraphBuilder } from './dependency-graph.ts';
import { explainCycle } from './explain-cycle.ts';
import { findInternalAnomalies } from './internal-anomalies.ts';
import { bytesPerOperation, bytesPerStep, cycleStepsMax } from './limits.ts';
import { findLostUpdates } from './lost-updates.ts';
import { findReadAnomalies } from './read-anomalies.ts';
import { addRealTime } from './real-time.ts';
import { countSteps, readTransactions, type Transactions } from './transactions.ts';
import { findVersions, type Versions } from './versions.ts';

export interface ListAppendOptions {
  readonly consistency: Consistency;
}

/**
 * Judges transactions of `[append key value]` and `[r key list]` by the anomalies that a consistency level forbids (Adya, *Weak
 * Consistency*, 1999; Kingsbury & Alvaro, *Elle: Inferring Isolation Anomalies from Experimental Observations*, VLDB 2020).
 *
 * What it reports cannot have happened at that level. At the two serializable levels the reverse holds too: what it accepts has a
 * serial order that explains every read.
 */
export function createListAppendModel(options: ListAppendOptions): Model {
  const rules = rulesOf(options.consistency);
  return {
    name: 'list-append',
    check: (operations, limits) => check(operations, rules, limits),
  };
}

function check(
  operations: readonly Operation[],
  rules: ConsistencyRules,
  limits: CheckLimits,
): Verdict {
  const stepCount = countSteps(operations);
  const bytes = operations.length * bytesPerOperation + stepCount * bytesPerStep;
  if (bytes > limits.memoryBytesMax) {
    return {
      kind: 'undecided',
      reason:
        `${operations.length} transactions of ${stepCount} steps take about ${bytes} bytes to check, ` +
        `and ${limits.memoryBytesMax} are allowed`,
    };
  }
  const transactions = readTransactions(operations);
  const versions = findVersions(transactions);
  const collector = new AnomalyCollector();
  findReadAnomalies(transactions, versions, collector);
  findInternalAnomalies(transactions, rules.stableReads, collector);
  if (rules.stableReads) findLostUpdates(transactions, versions, collector);
  const graph = buildGraph(transactions, versions, rules);
  const exhaustedCount = findCycles({
    graph,
    rules,
    stepsMax: Math.min(cycleStepsMax, limits.stepsMax),
    onCycle: (cycle) => {
      collector.note(nameOfCycle(cycle), cycle.length, () =>
        explainCycle(transactions, versions, cycle),
      );
    },
  });
  return verdictOf({ transactions, graph, collector, exhaustedCount });
}

function buildGraph(
  transactions: Transactions,
  versions: Versions,
  rules: ConsistencyRules,
): Graph {
  const builder = new GraphBuilder(transactions.operations.length);
  addDependencies(transactions, versions, builder);
  if (rules.realTime) addRealTime(transactions, versions, builder);
  return builder.build();
}

function verdictOf(found: {
  readonly transactions: Transactions;
  readonly graph: Graph;
  readonly collector: AnomalyCollector;
  readonly exhaustedCount: number;
}): Verdict {
  const { transactions, graph, collector, exhaustedCount } = found;
  const readCount = transactions.listOf.reduce((sum, list) => sum + (list === null ? 0 : 1), 0);
  if (readCount === 0) {
    return {
      kind: 'undecided',
      reason: 'no transaction that ended well read a list: nothing was seen',
    };
  }
  const counts = outcomeCounts(transactions.operations)
    .set('keys', transactions.keys.length)
    .set('appends', transactions.appends.count)
    .set('reads', readCount)
    .set('dependencies', graph.targets.length);
  if (collector.isEmpty) return { kind: 'valid', counts };
  for (const [name, count] of collector.counts()) counts.set(name, count);
  // Some kinds of cycles may be missing then, or shown by a longer one than need be. The verdict stands.
  if (exhaustedCount > 0) counts.set('searches cut short', exhaustedCount);
  return { kind: 'invalid', anomalies: collector.anomalies(), counts };
}
