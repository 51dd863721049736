import type { History, Operation, ProcessName } from '../history.ts';
import type { Anomaly } from '../verdict.ts';

/** More would make a page that no browser is quick with; a longer history is shown around what is wrong with it. */
const barsMax = 1500;
const nemesisMax = 200;

/** An operation as a bar: a lane, and columns from its call to its end. Columns count calls and ends, not time. */
export interface Bar {
  readonly operation: Operation;
  readonly lane: number;
  readonly from: number;
  readonly to: number;
}

export interface TimelineLayout {
  readonly bars: readonly Bar[];
  readonly nemesis: readonly Bar[];
  /** Who acts in each lane. */
  readonly lanes: readonly ProcessName[];
  readonly columns: number;
  /** How many operations there are, shown or not. */
  readonly total: number;
}

/** Chooses what is shown and where. Operations of anomalies come first, then those around them. */
export function layOutTimeline(history: History, anomalies: readonly Anomaly[]): TimelineLayout {
  const shown = chosen(history.operations, anomalies);
  const first = shown[0]?.callAt ?? 0;
  const last = shown.reduce((end, { callAt }) => Math.max(end, callAt), 0);
  const nemesis = history.nemesis
    .filter(({ callAt, endAt }) => callAt <= last && endAt >= first)
    .slice(0, nemesisMax);
  const columnOf = columnsOf([...shown, ...nemesis]);
  const lanes = lanesOf([...nemesis, ...shown]);
  const columns = columnOf.size + 1;
  const barOf = (operation: Operation): Bar => {
    const from = columnOf.get(operation.callAt) ?? 0;
    // What has no end goes on to the edge.
    const to = columnOf.get(operation.endAt) ?? columns;
    return { operation, lane: lanes.indexOf(operation.process), from, to };
  };
  return {
    bars: shown.map(barOf),
    nemesis: nemesis.map(barOf),
    lanes,
    columns,
    total: history.operations.length,
  };
}

function chosen(
  operations: readonly Operation[],
  anomalies: readonly Anomaly[],
): readonly Operation[] {
  if (operations.length <= barsMax) return operations;
  const told = anomalies.flatMap((anomaly) => anomaly.operations).slice(0, barsMax / 2);
  const kept = new Set<Operation>(told);
  const centres = told.length === 0 ? [operations.length - 1] : told.map(({ index }) => index);
  for (let distance = 0; kept.size < barsMax && distance < barsMax; distance += 1) {
    for (const index of centres.flatMap((centre) => [centre - distance, centre + distance])) {
      const operation = operations[index];
      if (operation !== undefined && kept.size < barsMax) kept.add(operation);
    }
  }
  return [...kept].sort((one, other) => one.callAt - other.callAt);
}

/** A column for each call and end that is shown, in order: what nobody sees takes no room. */
function columnsOf(operations: readonly Operation[]): ReadonlyMap<number, number> {
  const places = new Set<number>();
  for (const { callAt, endAt } of operations) {
    places.add(callAt);
    if (endAt !== Number.POSITIVE_INFINITY) places.add(endAt);
  }
  const sorted = [...places].sort((one, other) => one - other);
  return new Map(sorted.map((place, column) => [place, column]));
}

/** Names first, then clients by number. */
function lanesOf(operations: readonly Operation[]): readonly ProcessName[] {
  const processes = [...new Set(operations.map(({ process }) => process))];
  const names = processes.filter((process) => typeof process === 'string').sort();
  const numbers = processes.filter((process) => typeof process === 'number');
  return [...names, ...numbers.sort((one, other) => one - other)];
}
