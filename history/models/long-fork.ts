import { HistoryOperationError } from '../errors.ts';
import type { HistoryValue, Operation } from '../history.ts';
import type { Cycle } from '../list-append/cycle-search.ts';
import { findCycles } from '../list-append/cycles.ts';
import { GraphBuilder, rw, wr } from '../list-append/dependency-graph.ts';
import { cycleStepsMax } from '../list-append/limits.ts';
import { itemAt } from '../list-append/numbers.ts';
import { formatValue, isArray, type ValueKey, valueKey, valuesEqual } from '../values.ts';
import type { Anomaly, CheckLimits, Model, Verdict } from '../verdict.ts';
import { AnomalyList, outcomeCounts } from './operations.ts';

/** The one write of a key. */
interface Write {
  readonly operation: number;
  readonly value: HistoryValue;
}

/** One key as one transaction read it. */
interface Read {
  readonly operation: number;
  readonly name: HistoryValue;
  readonly key: ValueKey;
  readonly value: HistoryValue;
}

interface Transactions {
  readonly operations: readonly Operation[];
  readonly writes: ReadonlyMap<ValueKey, Write>;
  readonly reads: readonly Read[];
}

/**
 * Jepsen's long-fork workload: transactions that write one key, `[[w k v]]`, each key once, and transactions that read several,
 * `[[r k v] …]`. Two reads that saw two writes in opposite orders cannot both be of one state after another, which snapshot isolation
 * forbids and parallel snapshot isolation allows (Sovran et al., *Walter*, SOSP 2011).
 *
 * Jepsen compares reads of the same group of keys in pairs. Here the same is a cycle: a read comes after the writes it saw and before
 * those it missed. That takes no pairs, and finds forks between reads of overlapping groups and of more than two reads.
 */
export function createLongForkModel(): Model {
  return { name: 'long-fork', check: (operations, limits) => check(operations, limits) };
}

function check(operations: readonly Operation[], limits: CheckLimits): Verdict {
  const transactions = readTransactions(operations);
  const { writes, reads } = transactions;
  if (reads.length === 0) {
    return {
      kind: 'undecided',
      reason: 'no transaction that ended well read a key: nothing was seen',
    };
  }
  const anomalies = new AnomalyList();
  findStrangeReads(transactions, anomalies);
  findCycles({
    graph: buildGraph(transactions),
    rules: { antiDependencies: 'apart', stableReads: true, realTime: false },
    stepsMax: Math.min(cycleStepsMax, limits.stepsMax),
    onCycle: (cycle) => anomalies.add('long-fork', () => explainFork(transactions, cycle)),
  });
  const counts = outcomeCounts(operations).set('keys', writes.size).set('keys read', reads.length);
  if (anomalies.isEmpty) return { kind: 'valid', counts };
  for (const [name, count] of anomalies.counts) counts.set(name, count);
  return { kind: 'invalid', anomalies: anomalies.told, counts };
}

/** Reads come after the writes they saw and before those they missed, unless nobody knows whether those ever happened. */
function buildGraph({
  operations,
  writes,
  reads,
}: Transactions): ReturnType<GraphBuilder['build']> {
  const builder = new GraphBuilder(operations.length);
  const seen = new Set(reads.filter(({ value }) => value !== null).map(({ key }) => key));
  for (const [place, read] of reads.entries()) {
    const write = writes.get(read.key);
    if (write === undefined) continue;
    const { outcome } = itemAt(operations, write.operation);
    if (outcome === 'fail' || (outcome === 'info' && !seen.has(read.key))) continue;
    if (read.value === null) builder.addEdge(read.operation, write.operation, rw, place);
    else builder.addEdge(write.operation, read.operation, wr, place);
  }
  return builder.build();
}

function findStrangeReads(
  { operations, writes, reads }: Transactions,
  anomalies: AnomalyList,
): void {
  for (const read of reads) {
    if (read.value === null) continue;
    const reader = itemAt(operations, read.operation);
    const write = writes.get(read.key);
    const seen = `key ${formatValue(read.name, 40)} as ${formatValue(read.value, 40)}`;
    if (write === undefined || !valuesEqual(write.value, read.value)) {
      anomalies.add('garbage-read', () => ({
        explanation: `T1 read ${seen}, which nobody ever wrote to it`,
        operations: [reader],
      }));
    } else if (itemAt(operations, write.operation).outcome === 'fail') {
      anomalies.add('G1a', () => ({
        explanation: `T2 read ${seen}, which T1 had written, but T1 failed`,
        operations: [itemAt(operations, write.operation), reader],
      }));
    }
  }
}

function explainFork(
  { operations, reads }: Transactions,
  cycle: Cycle,
): Omit<Anomaly, 'name' | 'steps'> & { steps: readonly string[] } {
  const steps = cycle.map(({ kind, label }, place) => {
    const [from, to] = [`T${place + 1}`, `T${((place + 1) % cycle.length) + 1}`];
    const read = itemAt(reads, label);
    const key = `key ${formatValue(read.name, 40)}`;
    return kind === rw
      ? `${from} read ${key} as nil, before ${to} wrote it`
      : `${to} read ${key} as ${formatValue(read.value, 40)}, which ${from} had written`;
  });
  return {
    explanation:
      'Transactions saw the same writes in different orders (long fork). Each comes before the next, and the last before T1.',
    operations: cycle.map(({ from }) => itemAt(operations, from)),
    steps,
  };
}

function readTransactions(operations: readonly Operation[]): Transactions {
  const writes = new Map<ValueKey, Write>();
  const reads: Read[] = [];
  for (const [number, operation] of operations.entries()) {
    const steps = stepsOf(operation);
    const [only] = steps;
    if (steps.length === 1 && only?.f === 'w') addWrite(writes, operations, { number, step: only });
    else reads.push(...readsOf(operation, number, steps));
  }
  return { operations, writes, reads };
}

interface Step {
  readonly f: string;
  readonly name: HistoryValue;
  readonly value: HistoryValue;
}

function stepsOf(operation: Operation): readonly Step[] {
  const value = operation.outcome === 'ok' ? operation.output : operation.input;
  const refuse = (what: HistoryValue): never => {
    throw new HistoryOperationError(
      operation,
      `${formatValue(what)} is neither a list of reads, [[r key value] …], nor one write, [[w key value]]`,
    );
  };
  if (!isArray(value)) return refuse(value);
  return value.map((step) => {
    if (!isArray(step) || step.length !== 3) return refuse(value);
    const [f = null, name = null, held = null] = step;
    const isKnown = f === 'r' || (f === 'w' && value.length === 1 && held !== null);
    return isKnown ? { f: String(f), name, value: held } : refuse(value);
  });
}

function addWrite(
  writes: Map<ValueKey, Write>,
  operations: readonly Operation[],
  { number, step }: { readonly number: number; readonly step: Step },
): void {
  const key = valueKey(step.name);
  const earlier = writes.get(key);
  if (earlier !== undefined) {
    const line = itemAt(operations, earlier.operation).callLine;
    throw new HistoryOperationError(
      itemAt(operations, number),
      `writes key ${formatValue(step.name, 40)}, as line ${line} did; each key may be written once`,
    );
  }
  writes.set(key, { operation: number, value: step.value });
}

function readsOf(operation: Operation, number: number, steps: readonly Step[]): Read[] {
  const reads = steps.map(({ name, value }) => ({
    operation: number,
    name,
    key: valueKey(name),
    value,
  }));
  if (new Set(reads.map(({ key }) => key)).size < reads.length) {
    throw new HistoryOperationError(operation, 'reads a key twice; each read is of different keys');
  }
  return operation.outcome === 'ok' ? reads : [];
}
