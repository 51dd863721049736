import { anyState, at, sameState, type TransitionTable } from './transition-table.ts';

export type UniqueValuesResult =
  | { readonly kind: 'linearizable' }
  /** Rows that suffice to show it, in an order that tells the story. */
  | {
      readonly kind: 'impossible';
      readonly fault: 'future-read' | 'stale-read';
      readonly rows: readonly number[];
    };

/** All operations of one value: its write (-1 for the initial value, which was there before everything) and its reads. */
interface Cluster {
  write: number;
  readonly reads: number[];
  /** The row that ends first, and where. */
  firstEnd: number;
  firstEndAt: number;
  /** The row that is called last, and where. */
  lastCall: number;
  lastCallAt: number;
}

/** Whether each value is written at most once, so that every read tells which write it saw. */
export function hasUniqueValues(table: TransitionTable): boolean {
  const isWritten = new Uint8Array(table.stateCount);
  if (table.initial === anyState || table.freeMoves.length > 0) return false;
  isWritten[table.initial] = 1;
  for (let row = 0; row < table.needs.length; row += 1) {
    const made = at(table.makes, row);
    if (made === sameState) continue;
    if (at(table.needs, row) !== anyState || at(isWritten, made) === 1) return false;
    isWritten[made] = 1;
  }
  return true;
}

/**
 * Linearizability of a register whose values are unique, in O(n log n): Gibbons and Korach, "Testing shared memories" (1997), §4.
 *
 * The write of a value and its reads must be neighbours in any order, with nothing of another value between them. So from the first end
 * of any of them to the last call of any of them the register held that value all the time: a *forward zone*. If they all
 * overlap, the last call comes before the first end, and the value was held at some moment between: a *backward zone*. The
 * history is linearizable exactly when no read ends before its write begins, no two forward zones overlap, and no backward zone lies
 * inside a forward one.
 *
 * The caller has seen to it that each value read is written or initial.
 */
export function checkUniqueValues(table: TransitionTable): UniqueValuesResult {
  const clusters = clustersOf(table);
  const early = clusters.find((cluster) => isReadBeforeItsWrite(cluster, table));
  if (early !== undefined) {
    return { kind: 'impossible', fault: 'future-read', rows: [early.firstEnd, early.write] };
  }
  const forward = clusters
    .filter((cluster) => cluster.firstEndAt < cluster.lastCallAt)
    .sort((one, other) => one.firstEndAt - other.firstEndAt);
  for (const [index, zone] of forward.entries()) {
    const next = forward[index + 1];
    if (next !== undefined && next.firstEndAt < zone.lastCallAt) return conflict(zone, next);
  }
  for (const cluster of clusters) {
    if (cluster.firstEndAt < cluster.lastCallAt) continue;
    const around = lastStartingBefore(forward, cluster.lastCallAt);
    if (around !== undefined && cluster.firstEndAt < around.lastCallAt) {
      return conflict(around, cluster);
    }
  }
  return { kind: 'linearizable' };
}

function isReadBeforeItsWrite(
  { write, firstEnd, firstEndAt }: Cluster,
  table: TransitionTable,
): boolean {
  return write !== -1 && firstEnd !== write && firstEndAt < at(table.callAt, write);
}

function clustersOf(table: TransitionTable): Cluster[] {
  const clusters = Array.from({ length: table.stateCount }, () => emptyCluster());
  for (let row = 0; row < table.needs.length; row += 1) {
    const made = at(table.makes, row);
    const cluster = clusters[made === sameState ? at(table.needs, row) : made];
    if (cluster === undefined) continue;
    if (made === sameState) cluster.reads.push(row);
    else cluster.write = row;
    if (at(table.endAt, row) < cluster.firstEndAt) {
      cluster.firstEnd = row;
      cluster.firstEndAt = at(table.endAt, row);
    }
    if (at(table.callAt, row) > cluster.lastCallAt) {
      cluster.lastCall = row;
      cluster.lastCallAt = at(table.callAt, row);
    }
  }
  const initial = clusters[table.initial];
  // The initial value was written before everything.
  if (initial !== undefined) {
    initial.firstEnd = -1;
    initial.firstEndAt = Number.NEGATIVE_INFINITY;
  }
  // A write that may never have happened, and that nobody saw, constrains nothing; and so does a value without operations.
  return clusters.filter(
    ({ reads, lastCallAt, firstEndAt }) =>
      lastCallAt !== Number.NEGATIVE_INFINITY &&
      (reads.length > 0 || firstEndAt !== Number.POSITIVE_INFINITY),
  );
}

function emptyCluster(): Cluster {
  return {
    write: -1,
    reads: [],
    firstEnd: -1,
    firstEndAt: Number.POSITIVE_INFINITY,
    lastCall: -1,
    lastCallAt: Number.NEGATIVE_INFINITY,
  };
}

/** `held` was the value all through its forward zone, and yet `other` was at some moment of it. */
function conflict(held: Cluster, other: Cluster): UniqueValuesResult {
  const story = [
    held.write,
    held.firstEnd,
    other.write,
    other.firstEnd,
    other.lastCall,
    held.lastCall,
  ];
  const rows = [...new Set(story)].filter((row) => row !== -1);
  return { kind: 'impossible', fault: 'stale-read', rows };
}

/** Of zones that are sorted and do not overlap, the last that starts before a place. */
function lastStartingBefore(zones: readonly Cluster[], place: number): Cluster | undefined {
  let low = 0;
  let high = zones.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const start = zones[middle]?.firstEndAt ?? Number.POSITIVE_INFINITY;
    if (start < place) low = middle + 1;
    else high = middle;
  }
  return zones[low - 1];
}
